package mqttrs

import "sync"

// observers are functions of the program that hear of things, in their order and one at a time, on
// a goroutine that is there while there is something to say.
type observers struct {
	mu      sync.Mutex
	queue   []observation
	running bool
	logs    int
	dropped uint64
}

type observation struct {
	where string
	tell  func()
	log   bool
}

// logsKept is how many log records wait for a slow function; those beyond are dropped.
const logsKept = 8192

func (o *observers) add(c *Client, where string, tell func()) {
	o.put(c, observation{where: where, tell: tell})
}

func (o *observers) put(c *Client, what observation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if what.log {
		if o.logs == logsKept {
			o.dropped++
			return
		}
		o.logs++
	}
	o.queue = append(o.queue, what)
	if !o.running {
		o.running = true
		go o.run(c)
	}
}

func (o *observers) run(c *Client) {
	whole := false
	defer func() {
		if !whole { // A function has ended its goroutine, by runtime.Goexit.
			go o.run(c)
		}
	}()
	for {
		what, ok := o.next()
		if !ok {
			whole = true
			return
		}
		_ = c.protect(what.where, what.tell)
	}
}

func (o *observers) next() (what observation, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 {
		o.queue = nil
		o.running = false
		return what, false
	}
	what, o.queue[0] = o.queue[0], observation{}
	o.queue = o.queue[1:]
	if what.log {
		o.logs--
	}
	return what, true
}
