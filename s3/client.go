package s3

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
)

const (
	connectTimeout = 10 * time.Second
	// answerTimeout is for requests without a body, like those for credentials.
	answerTimeout = 30 * time.Second
	// idleTimeout is shorter than that of any server known, so that an upload
	// does not start on a connection that is just being closed.
	idleTimeout = 10 * time.Second
	// refreshEarly is how long before their end credentials are replaced: an
	// upload should not outlive its signature's right to exist.
	refreshEarly = 5 * time.Minute

	roleSession = "siem-s3"
)

// loadConfig reads what the SDK takes from the environment and from shared files.
func loadConfig(ctx context.Context, o *Options) (aws.Config, error) {
	load := []func(*config.LoadOptions) error{
		config.WithRegion(o.Region),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(tune)),
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		config.WithLogger(logging.Nop{}),
		// Mode auto would ask the instance's metadata service for its region.
		config.WithDefaultsMode(aws.DefaultsModeLegacy),
	}
	if o.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(o.Profile))
	}
	if o.AccessKeyID != "" {
		load = append(load, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(o.AccessKeyID, o.SecretAccessKey, o.SessionToken)))
	}
	return config.LoadDefaultConfig(ctx, load...)
}

// tune sets the limits of every connection.
func tune(tr *http.Transport) {
	tr.TLSHandshakeTimeout = connectTimeout
	tr.ResponseHeaderTimeout = answerTimeout
	tr.IdleConnTimeout = idleTimeout
	// Uploads want a connection each: with HTTP/2 they would share one, whose
	// death goes unnoticed for long.
	tr.Protocols = new(http.Protocols)
	tr.Protocols.SetHTTP1(true)
	// Without this net/http adds an Accept-Encoding of its own.
	tr.DisableCompression = true
}

// newHTTPClient returns the client for S3, which differs from that for
// credentials in that the watchdog decides how long an answer may take.
func newHTTPClient(cfg aws.Config, o *Options) *http.Client {
	tr := cfg.HTTPClient.(*awshttp.BuildableClient).GetTransport()
	tr.ResponseHeaderTimeout = 0
	if o.dial != nil {
		tr.DialContext = o.dial
	}
	return &http.Client{
		Transport: tr,
		// A redirect is to another region: the signature would not fit there.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// newCredentials returns the configured credentials, or those of the role that
// they may assume.
func newCredentials(cfg aws.Config, o *Options) *aws.CredentialsCache {
	if o.RoleARN == "" {
		if cache, ok := cfg.Credentials.(*aws.CredentialsCache); ok {
			return cache
		}
		return aws.NewCredentialsCache(cfg.Credentials)
	}
	client := sts.NewFromConfig(cfg, func(so *sts.Options) {
		if o.STSEndpoint != "" {
			so.BaseEndpoint = &o.STSEndpoint
		}
	})
	role := stscreds.NewAssumeRoleProvider(client, o.RoleARN, func(a *stscreds.AssumeRoleOptions) {
		a.RoleSessionName = roleSession
		if o.ExternalID != "" {
			a.ExternalID = &o.ExternalID
		}
	})
	return aws.NewCredentialsCache(role, func(c *aws.CredentialsCacheOptions) { c.ExpiryWindow = refreshEarly })
}

// newClient returns the S3 client and whether its requests must sign the body,
// which is so without TLS.
func newClient(cfg aws.Config, o *Options, hc *http.Client, creds aws.CredentialsProvider) (*awss3.Client, bool) {
	var signed bool
	client := awss3.NewFromConfig(cfg, func(so *awss3.Options) {
		so.HTTPClient = hc
		so.Credentials = creds
		so.UsePathStyle = o.ForcePathStyle
		so.UseARNRegion = true // the region of an access point's ARN wins
		// The checksum is ours: the SDK's would be a trailer in aws-chunked
		// encoding, which many other servers do not understand.
		so.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		so.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		if o.Endpoint != "" {
			so.BaseEndpoint = &o.Endpoint
		}
		so.APIOptions = append(so.APIOptions, dropAcceptEncoding)
		if product, version, ok := strings.Cut(o.UserAgent, "/"); ok {
			so.APIOptions = append(so.APIOptions, awsmiddleware.AddUserAgentKeyValue(product, version))
		}
		// The endpoint may come from the environment or the profile as well.
		signed = strings.HasPrefix(strings.ToLower(aws.ToString(so.BaseEndpoint)), "http:")
	})
	return client, signed
}

// dropAcceptEncoding keeps that header out of the signature: Google's servers
// change it before they verify (aws/aws-sdk-go-v2#1816).
func dropAcceptEncoding(stack *middleware.Stack) error {
	_, err := stack.Finalize.Remove("DisableAcceptEncodingGzip")
	return err
}
