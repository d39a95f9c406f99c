package lambdaruntime

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// newLogHandler writes JSON lines with the keys that Lambda's own log level
// filter reads, "timestamp" and "level", at the level AWS_LAMBDA_LOG_LEVEL names.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html (2026-11)
func newLogHandler(w io.Writer) slog.Handler {
	level := slog.LevelInfo
	switch os.Getenv("AWS_LAMBDA_LOG_LEVEL") {
	case "TRACE", "DEBUG":
		level = slog.LevelDebug
	case "WARN":
		level = slog.LevelWarn
	case "ERROR", "FATAL":
		level = slog.LevelError
	}
	return contextHandler{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: lambdacontext.ReplaceAttr})}
}

// contextHandler adds the event and the job of a record's context to the record.
type contextHandler struct{ slog.Handler }

func (h contextHandler) Handle(ctx context.Context, rec slog.Record) error {
	if e, ok := EventFromContext(ctx); ok {
		rec = rec.Clone()
		if e.requestID != "" {
			rec.AddAttrs(slog.String("requestId", e.requestID))
		}
		if e.tenantID != "" {
			rec.AddAttrs(slog.String("tenantId", e.tenantID))
		}
		if root := traceRoot(traceHeader(ctx)); root != "" {
			rec.AddAttrs(slog.String("traceId", root))
		}
		rec.AddAttrs(slog.String("kind", e.Kind.String()))
		if e.ColdStart {
			rec.AddAttrs(slog.Bool("coldStart", true))
			if e.init > 0 {
				rec.AddAttrs(slog.Float64("initDurationMs", milliseconds(e.init)))
			}
		}
		if m, ok := MessageFromContext(ctx); ok {
			rec.AddAttrs(slog.String("queue", m.Queue), slog.String("messageId", m.ID))
		}
	}
	return h.Handler.Handle(ctx, rec)
}

// traceRoot returns the trace id of an X-Ray trace header. X-Ray and CloudWatch find the
// records of one trace by it.
func traceRoot(header string) string {
	for part := range strings.SplitSeq(header, ";") {
		if root, ok := strings.CutPrefix(part, "Root="); ok {
			return root
		}
	}
	return ""
}

func (h contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextHandler{h.Handler.WithAttrs(attrs)}
}

func (h contextHandler) WithGroup(name string) slog.Handler {
	return contextHandler{h.Handler.WithGroup(name)}
}
