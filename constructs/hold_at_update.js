// Tells CloudFormation with how many warm instances the next version of a function starts:
// the number that the alias has now, but at least Min and at most the highest of Max.
const https = require("node:https");

// instances returns Min if the number is unknown: a failed read must not stop a deployment.
async function instances({ FunctionName, Qualifier, Min, Max }) {
  const lowest = Number(Min);
  try {
    const { GetProvisionedConcurrencyConfigCommand, LambdaClient } = require("@aws-sdk/client-lambda");
    const config = await new LambdaClient({}).send(
      new GetProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier }),
      { abortSignal: AbortSignal.timeout(20000) },
    );
    // After a failed allocation, only the instances that Lambda did allocate are certain.
    const now = config.Status === "FAILED"
      ? config.AllocatedProvisionedConcurrentExecutions
      : config.RequestedProvisionedConcurrentExecutions;
    const number = Math.min(Math.max(now, lowest), Math.max(lowest, ...Max.map(Number)));
    if (!Number.isInteger(number)) {
      throw new Error("the alias has no number of instances");
    }
    console.log("The next version starts with", number, "instances; the alias has", now);
    return number;
  } catch (error) {
    console.warn("The next version starts with the minimum of", lowest, "instances:", error.name, error.message);
    return lowest;
  }
}

function put(url, body) {
  return new Promise((resolve, reject) => {
    const headers = { "content-length": Buffer.byteLength(body), "content-type": "" };
    const request = https.request(url, { headers, method: "PUT", timeout: 5000 }, (response) => {
      response.resume();
      if (response.statusCode < 300) {
        resolve();
      } else {
        reject(new Error("CloudFormation's URL answered " + response.statusCode));
      }
    });
    request.on("error", reject);
    request.on("timeout", () => request.destroy(new Error("CloudFormation's URL did not answer")));
    request.end(body);
  });
}

exports.handler = async (event) => {
  const { LogicalResourceId, RequestId, RequestType, ResourceProperties, StackId } = event;
  const answer = { LogicalResourceId, PhysicalResourceId: LogicalResourceId, RequestId, StackId, Status: "SUCCESS" };
  if (RequestType !== "Delete") {
    answer.Data = { Instances: await instances(ResourceProperties) };
  }
  const body = JSON.stringify(answer);
  for (let attempt = 1; ; attempt++) {
    try {
      return await put(event.ResponseURL, body);
    } catch (error) {
      if (attempt === 3) {
        throw error; // Lambda invokes the function again
      }
    }
  }
};
