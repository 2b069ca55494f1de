// Package mqttrs is an MQTT client (3.1, 3.1.1 and 5.0) on top of libmqttrs.
//
// [Dial] connects, [Client.Publish] publishes and waits for what becomes of the message,
// [Client.Subscribe] waits for what the server grants, and what arrives goes to the functions of
// [Client.Handle] or to the channel of [Client.Messages]. A connection that is lost is made again,
// subscriptions included.
//
// # Goroutines
//
// All functions may be called by any number of goroutines at the same time, and inside handlers
// and the other functions of [Options]. Handlers of one client run one after the other, in the
// order of the messages, on a goroutine of the client; a handler may take its time and may
// publish and wait.
//
// Handlers that are behind hold the server back: while Options.ReceiveQueue messages wait for them,
// those of QoS 1 and 2 are acknowledged only when they have been handled, so that the server sends
// no more than its window, and nothing more is read from the network. Only while something waits for
// an answer of the server, which comes behind all that is not read yet, reading goes on; then messages of
// QoS 0 beyond sixteen times the queue are dropped, and counted in Stats.ReceivedDropped.
//
// # Contexts
//
// The end of a context ends the waiting of a call. What was handed over goes on: a message of QoS 1
// stays on its way.
//
// # Errors
//
// Errors are values for errors.Is and errors.As: the [Code] constants, [ErrClosed], the errors of
// outcomes such as [ErrExpired], context.Canceled and its like, and [*ReasonError] with what the server
// answered.
package mqttrs
