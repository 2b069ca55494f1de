package mqttrs

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
)

// outbox holds messages until they are handed to the library, and the slots by which the library
// tells what became of them.
type outbox struct {
	mu     sync.Mutex
	data   []byte // messages, as shim.h has them
	spare  []byte
	busy   bool // somebody hands over, or is about to
	closed bool
	room   chan struct{} // closed when there is room; nil where nobody waits for that
	idle   chan struct{} // closed when nothing is left to be handed over; nil as above

	slots   []slot
	free    []uint32
	answers int32  // slots that wait for something from the network
	awaited *int32 // whether there are any: in the shim's memory, and atomic
}

// slot is a place where an outcome is waited for.
type slot struct {
	token  *Token
	index  uint32 // which of the token's messages it is
	answer bool   // it comes from the server
}

const noSlot = math.MaxUint32

// add appends a message; the caller holds the mutex.
func (o *outbox) add(m *Message, token *Token, index uint32) {
	n := uint32(noSlot)
	if token != nil {
		n = o.occupy(slot{token, index, m.QoS > AtMostOnce})
	}
	o.data = appendMessage(o.data, m, n)
}

// occupy takes a slot; the caller holds the mutex.
func (o *outbox) occupy(s slot) (n uint32) {
	if last := len(o.free) - 1; last >= 0 {
		n = o.free[last]
		o.free = o.free[:last]
		o.slots[n] = s
	} else {
		n = uint32(len(o.slots))
		o.slots = append(o.slots, s)
	}
	if s.answer {
		if o.answers++; o.answers == 1 && o.awaited != nil {
			atomic.StoreInt32(o.awaited, 1)
		}
	}
	return n
}

// release empties a slot and returns what was in it; without a token, nothing was.
func (o *outbox) release(n uint32) slot {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.vacate(n)
}

// releaseAll does the same for many.
func (o *outbox) releaseAll(outcomes []outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range outcomes {
		s := o.vacate(outcomes[i].slot)
		outcomes[i].token, outcomes[i].index = s.token, s.index
	}
}

// vacate is release for a caller that holds the mutex.
func (o *outbox) vacate(n uint32) (s slot) {
	if int(n) < len(o.slots) {
		s = o.slots[n]
	}
	if s.token != nil {
		o.slots[n] = slot{}
		o.free = append(o.free, n)
		if s.answer {
			if o.answers--; o.answers == 0 && o.awaited != nil {
				atomic.StoreInt32(o.awaited, 0)
			}
		}
	}
	return s
}

// waitForRoom waits until there is room, with the mutex given back meanwhile.
func (o *outbox) waitForRoom(ctx context.Context) error {
	for {
		if o.closed {
			return ErrClosed
		}
		if len(o.data) < outboxFull {
			return nil
		}
		if o.room == nil {
			o.room = make(chan struct{})
		}
		room := o.room
		o.mu.Unlock()
		select {
		case <-room:
			o.mu.Lock()
		case <-ctx.Done():
			o.mu.Lock()
			return ctx.Err()
		}
	}
}

// take returns what is there to be handed over; nil says that there is nothing, and that somebody
// else begins when there is.
func (o *outbox) take() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.data) == 0 {
		o.busy = false
		if o.idle != nil {
			close(o.idle)
			o.idle = nil
		}
		return nil
	}
	batch := o.data
	o.data, o.spare = o.spare[:0], nil
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
	return batch
}

func (o *outbox) isWaiting() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.data) > 0
}

// giveBack lets the memory of a batch be used again.
func (o *outbox) giveBack(batch []byte) {
	if cap(batch) > outboxKept {
		return
	}
	o.mu.Lock()
	if o.spare == nil {
		o.spare = batch[:0]
	}
	o.mu.Unlock()
}

// waitIdle waits until all that was put in has been handed over.
func (o *outbox) waitIdle(ctx context.Context) error {
	o.mu.Lock()
	if !o.busy {
		o.mu.Unlock()
		return nil
	}
	if o.idle == nil {
		o.idle = make(chan struct{})
	}
	idle := o.idle
	o.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close lets nothing in any more and returns what was waited for.
func (o *outbox) close() []slot {
	o.mu.Lock()
	defer o.mu.Unlock()
	left := o.slots
	o.closed = true
	o.awaited = nil // It is in memory that is given back.
	o.slots, o.free = nil, nil
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
	return left
}
