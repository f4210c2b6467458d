package notify

import "context"

type traceKey struct{}

// WithTrace returns a context with which Send reports its steps, as they
// succeed, to step: "connected to …", "TLS 1.3, …". A step is one line of text
// and holds no secret. Calls of one Send come one after the other.
func WithTrace(ctx context.Context, step func(string)) context.Context {
	return context.WithValue(ctx, traceKey{}, step)
}

func trace(ctx context.Context, step string) {
	if report, ok := ctx.Value(traceKey{}).(func(string)); ok {
		report(step)
	}
}
