// What depends on the time and on chance: random numbers, the order of a map, which of
// two channels that are ready is taken, how long something took.
package main

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"time"
)

func main() {
	start := time.Now()
	fmt.Println(start.UTC().Format(time.RFC3339Nano))

	bytes := make([]byte, 8)
	rand.Read(bytes)
	fmt.Printf("%x %d\n", bytes, mathrand.Uint64())

	numbers := map[string]int{"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
	for name, number := range numbers {
		fmt.Print(name, " ", number, " ")
	}
	fmt.Println()

	a, b := make(chan int, 16), make(chan int, 16)
	for i := range 16 {
		a <- i
		b <- 100 + i
	}
	for range 16 {
		select {
		case number := <-a:
			fmt.Print(number, " ")
		case number := <-b:
			fmt.Print(number, " ")
		}
	}
	fmt.Println()

	time.Sleep(3 * time.Second)
	fmt.Println(time.Since(start) > 3*time.Second)
}
