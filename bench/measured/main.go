//go:build unix

// Command measured runs a program and says what it took. The benchmark starts
// everything through it: Linux counts to the peak memory of a new process that
// of the process that started it, and this one has next to none.
//
//	measured PROGRAM [ARGUMENT ...]      writes a line of JSON to its file descriptor 3
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

const figures = 3 // file descriptor

// Used is the line: seconds, and bytes.
type Used struct {
	Seconds float64 // by the clock
	CPU     float64 // of user and system, with all that the program started
	Memory  float64 // at its peak
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "measured:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("there is no program to run")
	}
	syscall.CloseOnExec(figures)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	if err != nil {
		return err
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return fmt.Errorf("the system does not say what a process used")
	}
	unit := 1024.0
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return json.NewEncoder(os.NewFile(figures, "figures")).Encode(Used{took.Seconds(), cpu.Seconds(), float64(usage.Maxrss) * unit})
}
