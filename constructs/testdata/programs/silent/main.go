// Command silent does not know of manifests.
package main

import "fmt"

func main() {
	fmt.Println("listening on :8080")
}
