// An HTTP server. It listens on the address in the first argument; without one, on the
// listener that is descriptor 3.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

func listen() (net.Listener, error) {
	if len(os.Args) > 1 {
		return net.Listen("tcp", os.Args[1])
	}
	return net.FileListener(os.NewFile(3, "listener"))
}

func main() {
	listener, err := listen()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ready")
	handler := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello, %s\n", r.URL.Path)
	}
	http.Serve(listener, http.HandlerFunc(handler))
}
