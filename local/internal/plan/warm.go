package plan

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lambdahearth/hearth/local/internal/assembly"
)

// instances is a number of instances in a template, which may be unknown here, such as an
// attribute of a custom resource.
type instances struct {
	n     assembly.Int
	known bool
}

// UnmarshalJSON implements [json.Unmarshaler].
func (i *instances) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil && strings.HasPrefix(text, assembly.Placeholder) {
		return nil
	}
	i.known = true
	return json.Unmarshal(data, &i.n)
}

// warmInstances returns the provisioned concurrency of an alias or version. If the number
// is unknown, it is the lowest number of its autoscaling, or else 0, and why says so.
func (v *values) warmInstances(app *assembly.App, r *assembly.Resource) (n int, why string, err error) {
	var props struct {
		ProvisionedConcurrencyConfig struct{ ProvisionedConcurrentExecutions *instances }
	}
	unknown, err := app.Loosely(func() error { return r.Decode(&props) })
	if err != nil && len(unknown) == 0 {
		return 0, "", err
	}
	warm := props.ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions
	switch {
	case len(unknown) > 0 && warm == nil: // the whole configuration is unknown
	case warm == nil:
		return 0, "", nil
	case warm.known:
		return int(warm.n), "", nil
	}
	because := strings.Join(unknown, " and ")
	lowest, err := v.lowestCapacity(app, r)
	if err != nil {
		return 0, "", err
	}
	if lowest > 0 {
		return lowest, fmt.Sprintf("%s; its number of warm instances is taken as %d, the lowest number of its autoscaling", because, lowest), nil
	}
	return 0, because + "; its number of warm instances is taken as none", nil
}

// lowestCapacity returns the lowest number of instances to which an alias or version
// scales; 0 if none is known.
func (v *values) lowestCapacity(app *assembly.App, r *assembly.Resource) (int, error) {
	var ref any
	if _, err := app.Loosely(func() (err error) {
		ref, err = v.Ref(r)
		return err
	}); err != nil {
		return 0, err
	}
	for _, target := range app.OfType("AWS::ApplicationAutoScaling::ScalableTarget") {
		var props struct {
			ResourceID        string `json:"ResourceId"`
			ScalableDimension string
			MinCapacity       instances
		}
		if _, err := app.Loosely(func() error { return target.Decode(&props) }); err != nil {
			return 0, err
		}
		if props.ScalableDimension == provisionedDimension && strings.HasSuffix(ref.(string), ":"+props.ResourceID) {
			return int(props.MinCapacity.n), nil
		}
	}
	return 0, nil
}
