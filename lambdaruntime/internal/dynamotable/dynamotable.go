// Package dynamotable opens the DynamoDB tables that the constructs name in a program's
// environment.
package dynamotable

import (
	"fmt"
	"os"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/awsenv"
)

// attemptTimeout bounds one HTTP request of a call. If a TCP connection broke while the
// instance was frozen, the whole request must not wait for it.
const attemptTimeout = 5 * time.Second

// Open returns a client and the name of the table in a variable, which the construct sets.
// It sends nothing. Its errors name the variable that is missing.
func Open(variable, construct string) (client *dynamodb.Client, table string, err error) {
	table = os.Getenv(variable)
	if table == "" {
		return nil, "", fmt.Errorf("%s must hold the table's name, got nothing; hearth.%s creates the table and sets it", variable, construct)
	}
	region, err := awsenv.Region()
	if err != nil {
		return nil, "", err
	}
	options := dynamodb.Options{Region: region, Credentials: awsenv.Credentials, HTTPClient: awshttp.NewBuildableClient().WithTimeout(attemptTimeout)}
	if endpoint := awsenv.Endpoint("DYNAMODB"); endpoint != "" {
		options.BaseEndpoint = &endpoint
	}
	return dynamodb.New(options), table, nil
}
