package cloud

import "time"

// Signing says how requests to a server behind Amazon's API Gateway are signed
// (Signature Version 4, service `execute-api`), as MLflow's client does with
// MLFLOW_TRACKING_AWS_SIGV4. Credentials are those of Amazon's default chain.
type Signing struct {
	Profile string           // of ~/.aws/config; "": as the aws command finds it
	Region  string           // "": of the chain, else the one that the server's address names
	Now     func() time.Time // must be the true time: Amazon refuses what was signed minutes ago
}

// signingHint says how a login for signed requests is found.
const signingHint = "credentials are found as the aws command finds them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the role of the machine; the region is that of AWS_REGION or of the profile"

// SigningHint is what a user may do whose signed requests are refused.
func SigningHint() string {
	return signingHint + "; the gateway must allow them execute-api:Invoke"
}
