package s3server

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// An Object is what the server keeps under a key.
type Object struct {
	Body        []byte
	ContentType string
	// Metadata has lower-case keys.
	Metadata map[string]string
}

// Client returns a client with the root credentials, for whatever this package
// has no method for.
func (s *Server) Client() *s3.Client {
	return s3.New(s3.Options{
		Region:       s.Region,
		BaseEndpoint: aws.String(s.Endpoint),
		UsePathStyle: true,
		HTTPClient:   s.http,
		Credentials:  credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
	})
}

// CreateBucket makes a bucket.
func (s *Server) CreateBucket(ctx context.Context, name string) error {
	return s.createBucket(ctx, &s3.CreateBucketInput{Bucket: &name})
}

// CreateLockedBucket makes a versioned bucket whose objects may be locked.
func (s *Server) CreateLockedBucket(ctx context.Context, name string) error {
	return s.createBucket(ctx, &s3.CreateBucketInput{Bucket: &name, ObjectLockEnabledForBucket: aws.Bool(true)})
}

func (s *Server) createBucket(ctx context.Context, in *s3.CreateBucketInput) error {
	if _, err := s.Client().CreateBucket(ctx, in); err != nil {
		return fmt.Errorf("create bucket %s: %w", *in.Bucket, err)
	}
	return nil
}

// List returns the keys with the prefix, sorted.
func (s *Server) List(ctx context.Context, bucket, prefix string) ([]string, error) {
	var keys []string
	pages := s3.NewListObjectsV2Paginator(s.Client(), &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list bucket %s: %w", bucket, err)
		}
		for i := range page.Contents {
			keys = append(keys, *page.Contents[i].Key)
		}
	}
	return keys, nil
}

// Get returns the object under key.
func (s *Server) Get(ctx context.Context, bucket, key string) (*Object, error) {
	out, err := s.Client().GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("get %s/%s: %w", bucket, key, err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		return nil, fmt.Errorf("get %s/%s: %w", bucket, key, err)
	}
	return &Object{Body: body, ContentType: aws.ToString(out.ContentType), Metadata: out.Metadata}, nil
}
