package conf

var bucketSection = Section{
	Title: "Bucket",
	Intro: "For Amazon S3, `bucket` and `region` are enough. For another server of the S3 protocol, such as MinIO or " +
		"Ceph, add its `endpoint`.",
	Example: `
    bucket  acme-siem-logs
    region  eu-central-1`,
	Keys: []Key{
		{
			Name: "log_storage", Default: "on",
			Doc:  "`off` stores nothing in S3, for an output that only alerts. `bucket` is not needed then.",
			rule: boolean(func(c *Config) *bool { return &c.S3.On }),
		},
		{
			Name: "bucket", Required: true,
			Doc:  "The bucket that the events go to: its bare name, or the ARN of an access point. It must exist.",
			rule: checked("name", wantBucket, func(c *Config) *string { return &c.S3.Bucket }, checkBucket),
		},
		{
			Name: "region", Default: "us-east-1",
			Doc: "The region that the bucket is in. Servers other than Amazon's mostly take any; keep the default if " +
				"yours does not name one.",
			rule: checked("name", wantRegion, func(c *Config) *string { return &c.S3.Region }, checkRegion),
		},
		{
			Name: "endpoint", Unset: "Amazon S3",
			Doc: "The URL of an S3 server other than Amazon's, or of a VPC endpoint, without the bucket. Use `https://` for " +
				"everything but a server on the same host.",
			rule: checked(kindURL, wantEndpoint, func(c *Config) *string { return &c.S3.Endpoint }, checkEndpoint),
		},
		{
			Name: "force_path_style", Unset: "on with an `endpoint`, else off",
			Doc: "`on` asks for `https://host/bucket/key`, `off` for `https://bucket.host/key`. Most servers other than " +
				"Amazon's need `on`; turn it off for a VPC endpoint of Amazon S3.",
			rule: boolean(func(c *Config) *bool { return &c.S3.ForcePathStyle }),
		},
	},
}

var credentialsSection = Section{
	Title: "Credentials",
	Intro: "With none of these, credentials are found as every AWS tool finds them: `AWS_…` environment variables, the " +
		"files in `~/.aws`, then the role of the container or the instance. That is the best way where there is such " +
		"a role. The identity needs `s3:PutObject` and `s3:GetObject` on the objects and `s3:ListBucket` on the bucket, and " +
		"`s3:PutObjectTagging`, `s3:PutObjectRetention` or `kms:GenerateDataKey` for the settings that use them.",
	Example: `
    role_arn     arn:aws:iam::123456789012:role/siem-writer
    external_id  acme-7f3a`,
	Keys: withFiles(
		Key{
			Name: "profile", Unset: "the default profile",
			Doc:  "The profile of `~/.aws/config` and `~/.aws/credentials` (of the user that Fluent Bit runs as) to use.",
			rule: line("the name of a profile in ~/.aws/config", func(c *Config) *string { return &c.S3.Credentials.Profile }),
		},
		Key{
			Name: "role_arn", Unset: "none",
			Doc:  "The role to assume with the credentials found or given, for a bucket of another account.",
			rule: checked("ARN", wantRole, func(c *Config) *string { return &c.S3.Credentials.RoleARN }, checkRole),
		},
		Key{
			Name: "external_id", Unset: "none",
			Doc: "The external ID that the role's owner asks for.",
			rule: word(1224, "an external ID of up to 1224 characters without spaces",
				func(c *Config) *string { return &c.S3.Credentials.ExternalID }),
		},
		Key{
			Name: "sts_endpoint", Unset: "AWS STS in `region`",
			Doc:  "The URL of the STS server that gives out the role's credentials.",
			rule: checked(kindURL, wantEndpoint, func(c *Config) *string { return &c.S3.Credentials.STSEndpoint }, checkEndpoint),
		},
		Key{
			Name: "aws_access_key_id", Secret: true, Unset: "none",
			Doc:  "The ID of a static access key. Prefer a role where you can.",
			rule: word(128, "an access key ID: up to 128 characters without spaces", func(c *Config) *Secret { return &c.S3.Credentials.AccessKeyID }),
		},
		Key{
			Name: "aws_secret_access_key", Secret: true, Unset: "none",
			Doc:  "The secret of that access key.",
			rule: word(256, "a secret access key: up to 256 characters without spaces", func(c *Config) *Secret { return &c.S3.Credentials.SecretAccessKey }),
		},
		Key{
			Name: "aws_session_token", Secret: true, Unset: "none",
			Doc: "The session token of a temporary access key. It ends with the session, and uploads then fail: it is for " +
				"trials.",
			rule: word(maxSecretFile, "a session token: one word without spaces", func(c *Config) *Secret { return &c.S3.Credentials.SessionToken }),
		},
	),
}

var objectSection = Section{
	Title: "Properties of the objects",
	Intro: "What is not set is left to S3 and to the settings of the bucket. Servers other than Amazon's ignore or refuse some of these.",
	Example: `
    server_side_encryption  aws:kms
    sse_kms_key_id          alias/siem
    object_lock_mode        GOVERNANCE
    object_lock_days        365
    tagging                 team=security&env=prod`,
	Keys: []Key{
		{
			Name: "server_side_encryption", Unset: "the bucket's",
			Doc:  "How S3 encrypts the objects: with its own key (`AES256`), or with one of AWS KMS, once or twice (`aws:kms:dsse`).",
			rule: oneOf(func(c *Config) *string { return &c.S3.ServerSideEncryption }, "AES256", "aws:kms", "aws:kms:dsse"),
		},
		{
			Name: "sse_kms_key_id", Unset: "the account's `aws/s3` key",
			Doc: "The KMS key to encrypt with: its ID, its ARN or `alias/name`. It needs `server_side_encryption` `aws:kms` or " +
				"`aws:kms:dsse`.",
			rule: word(2048, "the ID, ARN or alias of a KMS key, such as alias/siem",
				func(c *Config) *string { return &c.S3.SSEKMSKeyID }),
		},
		{
			Name: "object_lock_mode", Unset: "the bucket's",
			Doc: "Keeps the objects from being changed or deleted for `object_lock_days`. With `GOVERNANCE` an administrator may " +
				"lift the lock, with `COMPLIANCE` nobody can, not even the account's owner. The bucket must have Object Lock on.",
			rule: oneOf(func(c *Config) *string { return &c.S3.ObjectLockMode }, "GOVERNANCE", "COMPLIANCE"),
		},
		{
			Name: "object_lock_days", Unset: "the bucket's",
			Doc:  "For how many days each object is locked, from its upload on.",
			rule: number(1, 36500, func(c *Config) *int { return &c.S3.ObjectLockDays }),
		},
		{
			Name: "storage_class", Unset: "`STANDARD`",
			Doc: "The storage class of the objects. From `GLACIER` and `DEEP_ARCHIVE` a SIEM cannot read without restoring " +
				"them first: a lifecycle rule of the bucket is the better way there.",
			rule: oneOf(func(c *Config) *string { return &c.S3.StorageClass },
				"STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE",
				"REDUCED_REDUNDANCY", "EXPRESS_ONEZONE", "OUTPOSTS"),
		},
		{
			Name: "canned_acl", Unset: "the bucket owner's alone",
			Doc: "The canned ACL of the objects. Buckets made since 2023 refuse every one but `bucket-owner-full-control` " +
				"unless their ACLs were turned on.",
			rule: oneOf(func(c *Config) *string { return &c.S3.CannedACL },
				"private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read",
				"bucket-owner-full-control"),
		},
		{
			Name: "tagging", Unset: "no tags",
			Doc:  "The tags of the objects, up to 10, as a URL's query: `team=security&env=prod`.",
			rule: checked("tags", wantTagging, func(c *Config) *string { return &c.S3.Tagging }, checkTagging),
		},
		{
			Name: "checksum", Default: "crc32",
			Doc: "The checksum that S3 verifies each upload against and keeps with the object. `sha256` is for rules that ask " +
				"for it, and costs CPU.",
			rule: oneOf(func(c *Config) *string { return &c.S3.Checksum }, "crc32", "crc64nvme", "sha256"),
		},
	},
}
