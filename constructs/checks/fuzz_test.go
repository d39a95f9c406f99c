package checks

import (
	"os"
	"testing"
)

// FuzzTemplate checks that any template gives findings or an error, but never a panic.
func FuzzTemplate(f *testing.F) {
	for _, file := range []string{"testdata/clean.json", "../testdata/golden/ScheduleFull.json", "../testdata/golden/HttpApiFull.json"} {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"Resources": {"A": {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": {"Ref": "A"}, "Name": {"Fn::Sub": ["${A}${B.C}", {"A": {"Ref": "A"}}]}}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		source := []Source{{"t.json", data}}
		if _, err := Check(source...); err != nil {
			return
		}
		changes, err := Compare(source, source)
		if err != nil || len(changes) > 0 {
			t.Errorf("a template differs from itself: %v, %v", changes, err)
		}
	})
}
