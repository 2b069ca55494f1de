//go:build race

package mqttrs_test

// The race detector keeps memory for goroutines and clients that are gone.
func init() { measuresMemory = false }
