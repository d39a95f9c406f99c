package main

import (
	"encoding/json"
	"errors"
	"net/http"
)

// order is a client's order, and the payload of the queue "orders".
type order struct {
	Item  string `json:"item"`
	Count int    `json:"count"`
}

// Validate refuses an invalid order. The runtime calls it for each job, and the API for
// each request.
func (o order) Validate() error {
	switch {
	case o.Item == "":
		return errors.New("item must not be empty")
	case o.Count < 1:
		return errors.New("count must be at least 1")
	}
	return nil
}

// postOrder answers POST /orders, after it has put the order on the queue.
func (s *service) postOrder(w http.ResponseWriter, r *http.Request) {
	var o order
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&o)
	if err == nil {
		err = o.Validate()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := s.orders.Send(r.Context(), o); err != nil {
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write([]byte("ordered\n"))
}
