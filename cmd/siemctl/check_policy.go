package main

import (
	"fmt"
	"regexp"
	"strings"

	"siem-s3/conf"
)

// A policy is an identity-based policy of IAM ("IAM JSON policy elements
// reference" in the AWS IAM User Guide).
type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// printPolicy prints the smallest policy with which the outputs can store, and on
// the error stream what it is made of.
func (c *checker) printPolicy(s streams) error {
	c.report.sort()
	if c.report.Errors > 0 {
		show := newPresenter("text", s.err, c.report)
		if err := show.begin(nil); err != nil {
			return err
		}
		if err := show.end(); err != nil {
			return err
		}
		return errReported
	}
	p := policy{Version: "2012-10-17"}
	seen := make(map[string]bool)
	for i, o := range c.outputs {
		for _, st := range statements(&o.settings.S3, literalPrefix(o.settings.Format.KeyFormat)) {
			if id := fmt.Sprint(st); !seen[id] {
				seen[id] = true
				if i > 0 {
					st.Sid += fmt.Sprint(i + 1) // a Sid is unique in its policy
				}
				p.Statement = append(p.Statement, st)
			}
		}
	}
	for _, line := range policyNotes(c.outputs) {
		fmt.Fprintln(s.err, line)
	}
	return writeJSON(s.out, p)
}

// statements are what one output needs. Reading is for HeadObject, which tells
// after a lost answer whether the object that is there is the plugin's. With KMS
// that needs kms:Decrypt, for the checksum (HeadObject in the Amazon S3 API
// Reference).
func statements(o *conf.S3, prefix string) []statement {
	objects := objectARN(o, prefix)
	store := []string{"s3:PutObject"}
	for _, need := range []struct{ setting, action string }{
		{o.CannedACL, "s3:PutObjectAcl"},
		{o.Tagging, "s3:PutObjectTagging"},
		{o.ObjectLockMode, "s3:PutObjectRetention"},
	} {
		if need.setting != "" {
			store = append(store, need.action)
		}
	}
	all := []statement{
		{Sid: "StoreObjects", Effect: "Allow", Action: store, Resource: objects},
		{Sid: "RecogniseStoredObjects", Effect: "Allow", Action: []string{"s3:GetObject"}, Resource: objects},
	}
	if o.SSEKMSKeyID != "" {
		all = append(all, encrypt(o))
	}
	return all
}

// encrypt allows the use of the key, through S3 only where it is known how a policy
// says that. An alias is no resource: it is a condition on every key of the region.
func encrypt(o *conf.S3) statement {
	region := o.Region
	if point := strings.Split(o.Bucket, ":"); len(point) > 3 {
		region = point[3] // that of an access point's ARN wins
	}
	partition := partitionOf(region)
	keys := "arn:" + partition + ":kms:" + region + ":*:key/"
	st := statement{
		Sid: "EncryptObjects", Effect: "Allow", Action: []string{"kms:GenerateDataKey", "kms:Decrypt"},
		Condition: make(map[string]map[string]string),
	}
	if partition == "aws" || partition == "aws-us-gov" {
		st.Condition["StringEquals"] = map[string]string{"kms:ViaService": "s3." + region + ".amazonaws.com"}
	}
	alias, isAlias := aliasOf(o.SSEKMSKeyID)
	switch {
	case isAlias:
		st.Resource = keys + "*"
		st.Condition["ForAnyValue:StringEquals"] = map[string]string{"kms:ResourceAliases": alias}
	case strings.HasPrefix(o.SSEKMSKeyID, "arn:"):
		st.Resource = o.SSEKMSKeyID
	default:
		st.Resource = keys + o.SSEKMSKeyID
	}
	return st
}

var aliasARN = regexp.MustCompile(`^arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:(alias/.+)$`)

// aliasOf returns the alias that a KMS key is named by, and whether it is.
func aliasOf(key string) (string, bool) {
	if m := aliasARN.FindStringSubmatch(key); m != nil {
		return m[1], true
	}
	return key, strings.HasPrefix(key, "alias/")
}

// objectARN returns the ARN of the objects whose keys begin with prefix.
func objectARN(o *conf.S3, prefix string) string {
	objects := iamLiteral.Replace(prefix) + "*"
	if strings.HasPrefix(o.Bucket, "arn:") {
		return o.Bucket + "/object/" + objects
	}
	return "arn:" + partitionOf(o.Region) + ":s3:::" + o.Bucket + "/" + objects
}

// iamLiteral escapes what IAM would read as a wildcard or a variable.
var iamLiteral = strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}")

// partitionOf returns the partition of AWS that a region belongs to.
func partitionOf(region string) string {
	for _, p := range []struct{ prefix, partition string }{
		{"cn-", "aws-cn"},
		{"us-gov-", "aws-us-gov"},
		{"us-isob-", "aws-iso-b"},
		{"us-isof-", "aws-iso-f"},
		{"us-iso-", "aws-iso"},
		{"eu-isoe-", "aws-iso-e"},
		{"eusc-", "aws-eusc"},
	} {
		if strings.HasPrefix(region, p.prefix) {
			return p.partition
		}
	}
	return "aws"
}

// policyNotes explain what a policy can't say itself.
func policyNotes(outputs []*output) []string {
	notes := []string{
		"s3:GetObject is for HeadObject: after a lost answer it tells whether the object that is there is the plugin's.",
		"s3:ListBucket on the bucket is not needed; without it the check of the bucket at start logs a warning.",
	}
	for _, o := range outputs {
		s := o.settings.S3
		switch {
		case s.Credentials.RoleARN != "":
			notes = append(notes, "The policy is for "+s.Credentials.RoleARN+"; who assumes it needs sts:AssumeRole on it.")
		case s.ServerSideEncryption == "":
			notes = append(notes, fmt.Sprintf("If the bucket %s encrypts with a KMS key by default, kms:GenerateDataKey and kms:Decrypt on it are needed too.", s.Bucket))
		}
	}
	return notes
}
