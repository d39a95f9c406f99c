package websocket

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Close codes.
// https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
const (
	codeNormal      = 1000
	codeGoingAway   = 1001
	codeProtocol    = 1002
	codeUnsupported = 1003
	codeNoStatus    = 1005
	codeAbnormal    = 1006
	codeInvalidText = 1007
	codeTooBig      = 1009
	codeInternal    = 1011
)

const (
	opContinuation = 0
	opText         = 1
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10

	maxControlBytes = 125

	// writeTimeout is how long a write may wait for the client before the connection
	// ends.
	writeTimeout = 10 * time.Second
	// closeTimeout is how long the client may take to answer a close frame.
	closeTimeout = time.Second
)

// closeError is the reason for the end of a connection.
type closeError struct {
	code   int
	reason string
	remote bool // the client ended it
}

func (e *closeError) Error() string { return fmt.Sprintf("%d %s", e.code, e.reason) }

// wire is the server's side of one WebSocket connection. Only one goroutine may read at a
// time; several may write.
// https://www.rfc-editor.org/rfc/rfc6455
type wire struct {
	conn net.Conn
	r    *bufio.Reader
	// active is called for every incoming frame.
	active func()

	mu     sync.Mutex // guards writes
	closed bool       // a close frame was written
}

// isUpgrade reports whether a request asks for a WebSocket.
func isUpgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && hasToken(r.Header, "Connection", "upgrade") && hasToken(r.Header, "Upgrade", "websocket")
}

func hasToken(h http.Header, name, token string) bool {
	for _, line := range h.Values(name) {
		for _, t := range strings.Split(line, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

var errHandshake = errors.New("the handshake is not valid")

// checkHandshake validates a handshake and returns the answer to the client's key.
func checkHandshake(r *http.Request) (accept string, err error) {
	key := strings.TrimSpace(r.Header.Get("Sec-WebSocket-Key"))
	if raw, err := base64.StdEncoding.DecodeString(key); err != nil || len(raw) != 16 || r.Header.Get("Sec-WebSocket-Version") != "13" {
		return "", errHandshake
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}

// upgrade takes over the connection and answers the handshake. It calls register first,
// because a client may use its connection as soon as it has the answer. Frames written in
// between follow the answer.
func upgrade(w http.ResponseWriter, accept, subprotocol string, register func(*wire)) error {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	head := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + "\r\n"
	if subprotocol != "" {
		head += "Sec-WebSocket-Protocol: " + subprotocol + "\r\n"
	}
	c := &wire{conn: conn, r: rw.Reader, active: func() {}}
	c.mu.Lock()
	defer c.mu.Unlock()
	register(c)
	if err = conn.SetDeadline(time.Time{}); err == nil {
		_, err = io.WriteString(conn, head+"\r\n")
	}
	if err != nil {
		c.closed = true
		conn.Close() //nolint:errcheck // it is of no use
	}
	return err
}

// read returns the next text message, or the reason for the connection's end. If the
// server is the one to end it, the caller still has to send the close frame.
func (c *wire) read() ([]byte, *closeError) {
	var message []byte
	started := false
	for {
		final, op, payload, err := c.readFrame()
		if err != nil {
			var end *closeError
			if !errors.As(err, &end) {
				end = &closeError{code: codeAbnormal, reason: "Connection Closed Abnormally", remote: true}
			}
			return nil, end
		}
		c.active()
		switch op {
		case opPing:
			c.write(opPong, payload) //nolint:errcheck // the next read says so too
		case opPong:
		case opClose:
			return nil, readClose(payload)
		case opBinary:
			return nil, &closeError{code: codeUnsupported, reason: "Binary frames are not supported"}
		case opText, opContinuation:
			if (op == opText) == started {
				return nil, &closeError{code: codeProtocol, reason: "Fragments out of order"}
			}
			started = true
			if len(message)+len(payload) > maxMessageBytes {
				return nil, &closeError{code: codeTooBig, reason: "Message too big"}
			}
			message = append(message, payload...)
			if !final {
				continue
			}
			if !utf8.Valid(message) {
				return nil, &closeError{code: codeInvalidText, reason: "Invalid UTF-8"}
			}
			return message, nil
		default:
			return nil, &closeError{code: codeProtocol, reason: "Unknown opcode"}
		}
	}
}

func readClose(payload []byte) *closeError {
	if len(payload) < 2 {
		return &closeError{code: codeNoStatus, reason: "Client-side close frame status not set", remote: true}
	}
	return &closeError{code: int(binary.BigEndian.Uint16(payload)), reason: string(payload[2:]), remote: true}
}

func (c *wire) readFrame() (final bool, op byte, payload []byte, err error) {
	var head [8]byte
	if _, err = io.ReadFull(c.r, head[:2]); err != nil {
		return false, 0, nil, err
	}
	final, op = head[0]&0x80 != 0, head[0]&0x0f
	masked, size := head[1]&0x80 != 0, uint64(head[1]&0x7f)
	switch {
	case head[0]&0x70 != 0 || !masked || op >= opClose && (!final || size > maxControlBytes):
		return false, 0, nil, &closeError{code: codeProtocol, reason: "Protocol error"}
	case size == 126:
		if _, err = io.ReadFull(c.r, head[:2]); err != nil {
			return false, 0, nil, err
		}
		size = uint64(binary.BigEndian.Uint16(head[:2]))
	case size == 127:
		if _, err = io.ReadFull(c.r, head[:8]); err != nil {
			return false, 0, nil, err
		}
		size = binary.BigEndian.Uint64(head[:8])
	}
	if size > maxFrameBytes {
		return false, 0, nil, &closeError{code: codeTooBig, reason: "Frame too big"}
	}
	var mask [4]byte
	if _, err = io.ReadFull(c.r, mask[:]); err != nil {
		return false, 0, nil, err
	}
	payload = make([]byte, size)
	if _, err = io.ReadFull(c.r, payload); err != nil {
		return false, 0, nil, err
	}
	for i := range payload {
		payload[i] ^= mask[i&3]
	}
	return final, op, payload, nil
}

var errClosed = errors.New("the connection is closed")

// write writes one frame.
func (c *wire) write(op byte, payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errClosed
	}
	c.closed = op == opClose
	frame := make([]byte, 0, len(payload)+10)
	frame = append(frame, 0x80|op)
	switch n := len(payload); {
	case n < 126:
		frame = append(frame, byte(n))
	case n < 1<<16:
		frame = binary.BigEndian.AppendUint16(append(frame, 126), uint16(n))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 127), uint64(n))
	}
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := c.conn.Write(append(frame, payload...))
	if err != nil {
		c.conn.Close() //nolint:errcheck // a frame that was cut off cannot be mended
	}
	return err
}

// writeClose sends a close frame.
func (c *wire) writeClose(code int, reason string) {
	var payload []byte
	if code != codeNoStatus && code != codeAbnormal {
		payload = append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
	}
	c.write(opClose, payload[:min(len(payload), maxControlBytes)]) //nolint:errcheck // it is closing anyhow
	if err := c.conn.SetReadDeadline(time.Now().Add(closeTimeout)); err != nil {
		c.conn.Close() //nolint:errcheck // it may have ended
	}
}

// drain reads, for a moment, the rest of the client's data. If the server closed a
// connection with unread data, the client could lose the last frames.
func (c *wire) drain() { io.Copy(io.Discard, c.r) } //nolint:errcheck // the connection is over
