package mqttrs

// #include "shim.h"
import "C"

import (
	"context"
	"unsafe"
)

// Outcome is what became of a message.
type Outcome byte

// The outcomes; all but the first two come with an error.
const (
	OutcomeSent            Outcome = C.MQTTRS_OUTCOME_SENT         // QoS 0: it was handed to the network
	OutcomeAcknowledged    Outcome = C.MQTTRS_OUTCOME_ACKNOWLEDGED // the server has answered
	OutcomeExpired         Outcome = C.MQTTRS_OUTCOME_EXPIRED
	OutcomeOverflow        Outcome = C.MQTTRS_OUTCOME_OVERFLOW
	OutcomeCleared         Outcome = C.MQTTRS_OUTCOME_CLEARED
	OutcomeTooLarge        Outcome = C.MQTTRS_OUTCOME_TOO_LARGE
	OutcomeQoSNotSupported Outcome = C.MQTTRS_OUTCOME_QOS_NOT_SUPPORTED
	OutcomeConnectionLost  Outcome = C.MQTTRS_OUTCOME_CONNECTION_LOST
	OutcomeSessionLost     Outcome = C.MQTTRS_OUTCOME_SESSION_LOST
)

var outcomeErrors = [...]error{
	OutcomeExpired: ErrExpired, OutcomeOverflow: ErrOverflow, OutcomeCleared: ErrCleared, OutcomeTooLarge: ErrTooLarge,
	OutcomeQoSNotSupported: ErrMessageQoS, OutcomeConnectionLost: ErrConnectionLost,
	OutcomeSessionLost: ErrSessionLost,
}

// Result is what became of a message, as far as the server tells. Where there was an error, it is
// what is known all the same.
type Result struct {
	Outcome    Outcome
	Reason     ReasonCode  // the server's answer; 128 or more is a *ReasonError too
	MessageID  int         // the packet identifier that the message had
	Properties *Properties // of the answer; nil for none

	answer *answer
}

// answer is what only requests have.
type answer struct {
	codes    []ReasonCode // for each filter of a subscription
	response *Message
}

// Publish publishes a message and waits until it is known what became of it: at QoS 0 until the
// network has it, at QoS 1 and 2 until the server has acknowledged it. A lost connection does not end
// messages of QoS 1 and 2, they wait for the next one. The end of ctx ends the waiting, not the message.
//
// Any number of goroutines may publish; their messages cross over to the library together, in the
// order in which they were handed over. The payload is copied before Publish returns.
//
// Errors: ErrNoConnection (QoS 0), ErrQuotaExceeded (the queue is full), ErrClosed, a *ReasonError
// where the server refuses, those of the outcomes, and whatever the library says of the arguments.
func (c *Client) Publish(ctx context.Context, m Message) (Result, error) {
	token := &Token{left: 1}
	if err := c.enqueue(ctx, &m, token, c.inline); err != nil {
		return Result{}, err
	}
	return token.Wait(ctx)
}

// PublishAsync publishes a message and returns at once. It waits only where messages are handed over
// much faster than the library takes them, until there is room. What is wrong with the message, the
// token tells as well.
func (c *Client) PublishAsync(m Message) *Token {
	token := &Token{left: 1}
	if err := c.enqueue(context.Background(), &m, token, false); err != nil {
		token.complete(0, Result{}, err)
	}
	return token
}

// Send publishes a message and does not care what becomes of it, which is the cheapest way. The error
// is ErrClosed or what is wrong with the message itself; a message that the library does not accept, for
// want of a connection or because its queue is full, is counted in Stats.Refused. As with
// PublishAsync, there may be a wait for room.
func (c *Client) Send(m Message) error {
	return c.enqueue(context.Background(), &m, nil, false)
}

// PublishBatch publishes messages, one behind the other, and waits for what becomes of all of them.
// The results are in the order of the messages; the error is that of the first message that has one.
// Where ctx ends before all had room to be handed over, the rest is not published, and there are no
// results.
func (c *Client) PublishBatch(ctx context.Context, messages []Message) ([]Result, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	token := &Token{left: int32(len(messages)), batch: &batch{results: make([]Result, len(messages))}}
	if err := c.enqueueAll(ctx, messages, token); err != nil {
		return nil, err
	}
	_, err := token.Wait(ctx)
	if !token.isDone() {
		return nil, err
	}
	return token.batch.results, err
}

const (
	outboxFull = 1 << 20 // bytes that may wait to be handed over
	outboxKept = 2 << 20 // a larger one is given back
	ownRounds  = 4       // batches that one who waits hands over, of others too
)

// enqueue puts a message into the outbox and sees to it that somebody hands it over: the caller, where
// nobody does already and `inline` is true, otherwise a goroutine. Those who wait anyway hand over
// themselves, which is quickest for a lone message; those who do not wait leave it to a goroutine, so
// that messages gather while it is on the other side.
func (c *Client) enqueue(ctx context.Context, m *Message, token *Token, inline bool) error {
	if err := checkMessage(m); err != nil {
		return &OpError{Op: "publish", Err: err}
	}
	o := &c.out
	o.mu.Lock()
	if len(o.data) >= outboxFull || o.closed {
		if err := o.waitForRoom(ctx); err != nil {
			o.mu.Unlock()
			return err
		}
	}
	o.add(m, token, 0)
	first := !o.busy
	o.busy = true
	o.mu.Unlock()
	if first {
		c.start(inline)
	}
	return nil
}

func (c *Client) enqueueAll(ctx context.Context, messages []Message, token *Token) error {
	for i := range messages {
		if err := checkMessage(&messages[i]); err != nil {
			return &OpError{Op: "publish", Err: err}
		}
	}
	o := &c.out
	for i := 0; i < len(messages); {
		o.mu.Lock()
		if err := o.waitForRoom(ctx); err != nil {
			o.mu.Unlock()
			return err
		}
		for ; i < len(messages) && len(o.data) < outboxFull; i++ {
			o.add(&messages[i], token, uint32(i))
		}
		first := !o.busy
		o.busy = true
		o.mu.Unlock()
		if first {
			c.start(c.inline && i == len(messages))
		}
	}
	return nil
}

func (c *Client) start(inline bool) {
	if inline {
		c.handOver(ownRounds)
	} else {
		go c.handOver(-1)
	}
}

// handOver hands batches to the library until there are no more; after so many rounds, unless that
// is negative, another goroutine goes on.
func (c *Client) handOver(rounds int) {
	for {
		if rounds == 0 && c.out.isWaiting() {
			go c.handOver(-1)
			return
		}
		rounds--
		batch := c.out.take()
		if batch == nil {
			return
		}
		c.handOverBatch(batch)
	}
}

func (c *Client) handOverBatch(batch []byte) {
	defer c.out.giveBack(batch)
	c.life.RLock()
	defer c.life.RUnlock()
	if c.c == nil {
		return // Close tells those who wait.
	}
	c.openGateOf(c.c) // The answers may be behind messages that are held back.
	n := int(C.mqg_publish(c.c, (*C.uint8_t)(unsafe.Pointer(&batch[0])), C.size_t(len(batch))))
	if n == 0 {
		return
	}
	for _, refused := range unsafe.Slice(c.c.refused, n) {
		c.refused.Add(1)
		err := codeError("publish", int(refused.code), int(refused.error), "")
		if slot := uint32(refused.slot); slot != noSlot {
			if s := c.out.release(slot); s.token != nil {
				s.token.complete(s.index, Result{}, err)
			}
		}
	}
}
