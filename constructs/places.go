package hearth

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
)

// place is the account and region of a resource. They are unknown in an app that does not
// say where it is deployed.
type place struct{ account, region text }

func (a *app) placeOf(c constructs.IConstruct) place {
	stack := a.stackOf(c)
	at, known := a.places[stack]
	if !known {
		at = place{textOf(stack.Account()), textOf(stack.Region())}
		a.places[stack] = at
	}
	return at
}

// regionOf returns the region of a resource that was given to a construct, or that it
// creates if given is nil.
func (a *app) regionOf(c constructs.IConstruct, given awscdk.IResource) text {
	if given == nil {
		return a.placeOf(c).region
	}
	return textOf(given.Env().Region)
}

func placeOfQueue(q awssqs.IQueue) place {
	env := q.Env()
	return place{textOf(env.Account), textOf(env.Region)}
}

// checkRegion refuses a queue that is in another region than its user, if both regions are
// known.
func checkRegion(r *rules, field string, queue, user place, what, todo string) {
	if queue.region.known && user.region.known && queue.region.value != user.region.value {
		r.breaks(field, "must be in the region of %s, %s, got a queue in %s; %s", what, user.region.value, queue.region.value, todo)
	}
}

var queueArnPattern = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+(\.fifo)?$`)

// isQueue refuses a queue that was imported with the ARN of something else. It accepts nil.
func isQueue(r *rules, field string, queue awssqs.IQueue) bool {
	if queue == nil {
		return true
	}
	arn := textOf(queue.QueueArn())
	if !arn.known || queueArnPattern.MatchString(arn.value) {
		return true
	}
	r.breaks(field, "must be an SQS queue, got an import of %q; pass an ARN such as arn:aws:sqs:eu-north-1:123456789012:name", arn.value)
	return false
}

// checkPlaces checks where the queues of the props are. A dead-letter queue must be in the
// account and region of its source, and Lambda polls queues of its own region.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html (2026-11)
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html (2026-11)
func (q *Queue) checkPlaces(r *rules, p *QueueProps) {
	if p.EncryptionMasterKey != nil {
		q.app.checkRegionOf(r, q, "EncryptionMasterKey", p.EncryptionMasterKey.KeyArn())
	}
	if !isQueue(r, "DeadLetterQueue", p.DeadLetterQueue) || !isQueue(r, "Queue", p.Queue) {
		return
	}
	if p.DeadLetterQueue != nil && p.Queue == nil {
		dead, here := placeOfQueue(p.DeadLetterQueue), q.app.placeOf(q)
		checkRegion(r, "DeadLetterQueue", dead, here, "the queue", "create one there, or leave it unset")
		if dead.account.known && here.account.known && dead.account.value != here.account.value {
			r.breaks("DeadLetterQueue", "must be in the account of the queue, %s, got a queue in %s; create one there, or leave it unset", here.account.value, dead.account.value)
		}
	}
	if fn := q.app.functionOf(p.Handler); p.Queue == nil && fn != nil {
		if is, ought := q.app.placeOf(fn).region, q.app.placeOf(q).region; is.known && ought.known && is.value != ought.value {
			r.breaks("Handler", "must be in the region of the queue, %s, got a function in %s; create the queue in a stack there, or forward the messages", ought.value, is.value)
		}
	}
	if p.Queue != nil && p.Handler != nil {
		var user constructs.IConstruct = q
		if fn := q.app.functionOf(p.Handler); fn != nil {
			user = fn
		}
		source, here := placeOfQueue(p.Queue), q.app.placeOf(user)
		checkRegion(r, "Queue", source, here, "the function", "create the function there, or forward the messages")
		if source.account.known && here.account.known && source.account.value != here.account.value {
			warn(q, "queueOfAnotherAccount", fmt.Sprintf("the queue is in the account %s, which must permit the role of the function sqs:ReceiveMessage, sqs:DeleteMessage and sqs:GetQueueAttributes in the policy of the queue", source.account.value))
		}
	}
}

// checkRegionOf refuses an ARN of another region than that of the construct, if both are
// known. Lambda, SQS, DynamoDB, API Gateway and Scheduler take layers, keys, certificates
// and groups of their own region only.
func (a *app) checkRegionOf(r *rules, c constructs.IConstruct, field string, arn *string) {
	a.checkPart(r, c, field, arn, 3, "region", func(p place) text { return p.region })
}

// checkAccountOf refuses an ARN of another account than that of the construct, if both are
// known. No service takes a role of another account.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html (2026-11)
func (a *app) checkAccountOf(r *rules, c constructs.IConstruct, field string, arn *string) {
	a.checkPart(r, c, field, arn, 4, "account", func(p place) text { return p.account })
}

// checkPart compares a part of an ARN, arn:{partition}:{service}:{region}:{account}:{resource},
// with the place of the construct.
func (a *app) checkPart(r *rules, c constructs.IConstruct, field string, arn *string, part int, name string, of func(place) text) {
	parts := strings.SplitN(textOf(arn).value, ":", 6)
	if len(parts) < 6 || parts[part] == "" {
		return
	}
	if ought := of(a.placeOf(c)); ought.known && parts[part] != ought.value {
		r.breaks(field, "must be in the %s of the stack, %s, got %q; pass one of this %s", name, ought.value, *arn, name)
	}
}

// Resources that can connect two VPCs.
const (
	typePeering           = "AWS::EC2::VPCPeeringConnection"
	typeTransitAttachment = "AWS::EC2::TransitGatewayAttachment"
	typeTransitVpc        = "AWS::EC2::TransitGatewayVpcAttachment"
)

// warnOfOtherVpc warns of a function in another VPC than the database or endpoint that it
// connects to, unless the app connects the VPCs. Connections that the app does not create
// cannot be known here.
func (a *app) warnOfOtherVpc(c constructs.Construct, vpc awsec2.IVpc, fn awslambda.Function, what string) {
	h := a.ownerOf(fn)
	if h == nil || h.props.Vpc == nil || vpc == nil || h.props.Vpc == vpc {
		return
	}
	from, to := *h.props.Vpc.VpcId(), *vpc.VpcId()
	if from == to || a.connected(c, from, to) {
		return
	}
	warn(c, "anotherVpc", fmt.Sprintf("%s is in another VPC than %s, and the app has no peering connection or transit gateway between them; without one, connections time out: use one VPC, or acknowledge this warning", pathOf(h), what))
}

// connected reports whether the app, or this stage of it, connects two VPCs.
func (a *app) connected(c constructs.Construct, one, other string) bool {
	attached := map[string]bool{}
	for _, resource := range resourcesIn(awscdk.Stage_Of(c), typePeering, typeTransitAttachment, typeTransitVpc) {
		switch r := resource.(type) {
		case awsec2.CfnVPCPeeringConnection:
			ends := []string{*r.VpcId(), *r.PeerVpcId()}
			if slices.Contains(ends, one) && slices.Contains(ends, other) {
				return true
			}
		case awsec2.CfnTransitGatewayAttachment:
			attached[*r.VpcId()] = true
		case awsec2.CfnTransitGatewayVpcAttachment:
			attached[*r.VpcId()] = true
		}
	}
	return attached[one] && attached[other]
}
