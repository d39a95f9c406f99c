package sqs

import "container/heap"

// An indexed heap knows the positions of its items, so any item can be removed.
type indexedHeap[T any] struct {
	items []T
	less  func(a, b T) bool
	pos   func(T) *int // where an item keeps its position; -1 if it is not in the heap
}

func newHeap[T any](less func(a, b T) bool, pos func(T) *int) *indexedHeap[T] {
	return &indexedHeap[T]{less: less, pos: pos}
}

// Len implements heap.Interface.
func (h *indexedHeap[T]) Len() int { return len(h.items) }

// Less implements heap.Interface.
func (h *indexedHeap[T]) Less(i, j int) bool { return h.less(h.items[i], h.items[j]) }

// Swap implements heap.Interface.
func (h *indexedHeap[T]) Swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	*h.pos(h.items[i]), *h.pos(h.items[j]) = i, j
}

// Push implements heap.Interface; use add.
func (h *indexedHeap[T]) Push(item any) {
	*h.pos(item.(T)) = len(h.items)
	h.items = append(h.items, item.(T))
}

// Pop implements heap.Interface; use pop.
func (h *indexedHeap[T]) Pop() any {
	last := len(h.items) - 1
	item := h.items[last]
	var zero T
	h.items[last] = zero
	h.items = h.items[:last]
	*h.pos(item) = -1
	return item
}

func (h *indexedHeap[T]) top() T { return h.items[0] }

func (h *indexedHeap[T]) add(item T) { heap.Push(h, item) }

// remove removes an item if it is in the heap.
func (h *indexedHeap[T]) remove(item T) {
	if i := *h.pos(item); i >= 0 {
		heap.Remove(h, i)
	}
}
