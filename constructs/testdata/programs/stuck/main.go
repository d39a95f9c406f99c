// Command stuck works before it would write a manifest.
package main

import (
	"fmt"
	"time"
)

func main() {
	fmt.Println("connecting")
	time.Sleep(time.Hour)
}
