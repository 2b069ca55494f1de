package mqttrs

import (
	"context"
	"sync"
)

// Token stands for a message on its way, or for several.
type Token struct {
	mu     sync.Mutex
	left   int32 // messages without an outcome
	op     op
	done   chan struct{} // made when somebody asks for it
	result Result        // of one message, or of the first with an error
	err    error
	batch  *batch // where there are several
}

type batch struct {
	results []Result
	errAt   uint32
}

// op is what is being done.
type op byte

const (
	opPublish op = iota
	opSubscribe
	opUnsubscribe
	opRequest
)

func (o op) String() string {
	return [...]string{"publish", "subscribe", "unsubscribe", "request"}[o]
}

var closedChannel = func() chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}()

// Done returns a channel that is closed when it is known what became of the message.
func (t *Token) Done() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done == nil {
		if t.left == 0 {
			t.done = closedChannel
		} else {
			t.done = make(chan struct{})
		}
	}
	return t.done
}

// Wait waits until it is known what became of the message, or for the end of ctx, which ends
// nothing but the waiting. Result and error are those of Publish.
func (t *Token) Wait(ctx context.Context) (Result, error) {
	done := t.Done()
	select {
	case <-done:
		return t.Result()
	default:
	}
	select {
	case <-done:
		return t.Result()
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// Result returns what became of the message; until that is known, both are zero.
func (t *Token) Result() (Result, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.left > 0 {
		return Result{}, nil
	}
	return t.result, t.err
}

func (t *Token) isDone() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.left == 0
}

// complete says what became of the message, or of the one of several with this index.
func (t *Token) complete(index uint32, result Result, err error) {
	if err == nil {
		if int(result.Outcome) < len(outcomeErrors) && outcomeErrors[result.Outcome] != nil {
			err = &OpError{Op: t.op.String(), Err: outcomeErrors[result.Outcome]}
		} else if result.Reason.Refused() {
			err = &ReasonError{Op: t.op.String(), Reason: result.Reason, Properties: result.Properties}
		}
	}
	t.mu.Lock()
	if b := t.batch; b == nil {
		t.result, t.err = result, err
	} else {
		b.results[index] = result
		if err != nil && (t.err == nil || index < b.errAt) {
			t.result, t.err, b.errAt = result, err, index
		}
	}
	t.left--
	if t.left == 0 && t.done != nil {
		close(t.done)
	}
	t.mu.Unlock()
}
