// Reads lines and prints each with its number, in capitals: `lines`; or prints
// so many lines of its own: `lines COUNT`. How many there were goes to standard
// error.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func transform() int {
	count := 0
	scanner := bufio.NewScanner(os.Stdin)
	for scanner.Scan() {
		count++
		_, err := fmt.Printf("%d %s\n", count, strings.ToUpper(scanner.Text()))
		check(err)
	}
	check(scanner.Err())
	return count
}

func produce(count int) int {
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	for number := range count {
		_, err := fmt.Fprintf(out, "line %d\n", number)
		check(err)
	}
	check(out.Flush())
	return count
}

func main() {
	count := 0
	if len(os.Args) > 1 {
		wanted, err := strconv.Atoi(os.Args[1])
		check(err)
		count = produce(wanted)
	} else {
		count = transform()
	}
	fmt.Fprintf(os.Stderr, "%d lines\n", count)
}
