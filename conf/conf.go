// Package conf is the settings of the plugin: one table of keys from which
// parsing, the reference in docs/configuration.md and the checks of siemctl all
// come. The sample configurations of Fluent Bit are embedded beside it.
//
// A new setting is an entry of the table, a field of Config and, where it
// depends on other settings, a check in checks.go.
package conf

import "time"

// Config is what the settings of one [OUTPUT] say. Parse fills every field.
type Config struct {
	S3      S3
	Format  Format
	Spool   Spool
	Mapping Mapping
	Notify  Notify
	// MetricsListen is a host and a port, "" for no metrics.
	MetricsListen string
	// Verbosity is the least severe level that is logged: off, error, warn,
	// info or debug.
	Verbosity string
}

// S3 says where objects go, as whom, and with which properties.
type S3 struct {
	// On says that events are stored at all. If it is false the rest has no
	// meaning, and Bucket may be "".
	On bool
	// Bucket is a bucket's name or the ARN of an access point.
	Bucket string
	Region string
	// Endpoint is a URL without path, "" for Amazon S3 in Region.
	Endpoint       string
	ForcePathStyle bool

	Credentials Credentials

	// The properties of an object; an empty one is left to the bucket.
	CannedACL            string
	StorageClass         string
	ServerSideEncryption string
	SSEKMSKeyID          string
	// Tagging is URL encoded: "k=v&k2=v2".
	Tagging string
	// ObjectLockMode is GOVERNANCE, COMPLIANCE or "". ObjectLockDays is 0
	// exactly when it is "".
	ObjectLockMode string
	ObjectLockDays int
	// Checksum is crc32, crc64nvme or sha256.
	Checksum string
}

// Credentials says as whom S3 is called. All empty means the default chain of
// the AWS SDK. The static keys, when given, are those that RoleARN is assumed with.
type Credentials struct {
	Profile         string
	RoleARN         string
	ExternalID      string
	STSEndpoint     string
	AccessKeyID     Secret
	SecretAccessKey Secret
	SessionToken    Secret
}

// Format says what an object holds and what it is called.
type Format struct {
	// Encoding is json or syslog.
	Encoding string
	// Compression is gzip, zstd or none.
	Compression string
	// Level is that of the compression, 0 for its default.
	Level int
	// KeyFormat is the template of object keys. Its variables are unchecked.
	KeyFormat string
	Syslog    Syslog
}

// Syslog is the parts of an RFC 5424 message that no event carries.
type Syslog struct {
	Hostname string
	AppName  string
	// Facility is 0 to 23 (RFC 5424 section 6.2.1).
	Facility int
	// EnterpriseID is what follows the @ of an SD-ID (section 7.2.2), such as
	// 32473 or 32473.1.
	EnterpriseID string
}

// Spool says how long and how much is kept on disk.
type Spool struct {
	// Dir is absolute and clean.
	Dir string
	// DirLimit is in bytes, at least twice FileSize.
	DirLimit int64
	// FileSize is the compressed size of an object, in bytes.
	FileSize        int64
	UploadTimeout   time.Duration
	ShutdownTimeout time.Duration
}

// Mapping says how records become events.
type Mapping struct {
	// Fields holds the record accessor of each field that has one, by the
	// field's name. The accessors are unchecked.
	Fields map[string]string
	// LogTypes holds log types by the names, in lower case, that records use
	// for them. The log types are unchecked.
	LogTypes map[string]string
}

// Notify says which events alert, and whom.
type Notify struct {
	// On says that anything alerts. If it is false the rest has no meaning.
	On bool
	// Events is the selection of log types. It is unchecked.
	Events string
	// GroupWait is how long the first event of a quiet period waits for others,
	// Interval the least time between two alerts of one log type.
	GroupWait, Interval time.Duration
	// GroupBy is device_id, device_group, admin_email or "".
	GroupBy string
	SMTP    SMTP
	Webhook Webhook
}

// SMTP says how e-mails go out; there are none if Host is "".
type SMTP struct {
	// Host is a host's name or its address, without brackets.
	Host string
	// Port is 0 for the usual one of Security.
	Port int
	// Security is starttls, tls or none.
	Security string
	// Username and Password are both empty or both not.
	Username string
	Password Secret
	// Auth is auto, plain, login or cram-md5.
	Auth string
	// From and each of To is an address as RFC 5322 writes it, with or without a name.
	From string
	To   []string
	// Format is html or json.
	Format string
	// CAFile is absolute, "" for the certificates that the system trusts.
	CAFile string
	// Timeout is for each step of the dialogue.
	Timeout time.Duration
}

// Webhook says where alerts are posted; they are not if URLs is empty.
type Webhook struct {
	// URLs are http or https, each one once.
	URLs []Secret
	// Format is json, cloudevents, slack or teams.
	Format string
	// APIKey is the whole value of the Authorization header.
	APIKey Secret
	// Secrets are whsec_ and base64, as Standard Webhooks writes them: at most two.
	Secrets []Secret
	// The files are absolute or "". CertFile and KeyFile go together.
	CAFile, CertFile, KeyFile string
	// Timeout is for the whole request.
	Timeout time.Duration
}
