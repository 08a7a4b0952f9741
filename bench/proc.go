package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// ticks are clock ticks a second in /proc: USER_HZ, 100 on every Linux that Go runs on.
const ticks = 100

// stat is the part of /proc/PID/stat that is counted here (proc(5)).
type stat struct {
	parent   int
	own      time.Duration // user and system time
	children time.Duration // of those that have ended and been waited for
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	// The command's name is in parentheses and may hold anything.
	_, rest, ok := strings.Cut(string(text[strings.LastIndex(string(text), ")"):]), " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 15 {
		return stat{}, fmt.Errorf("/proc/%d/stat has an unknown form", pid)
	}
	number := func(i int) time.Duration {
		n, _ := strconv.ParseInt(fields[i-3], 10, 64) // fields are counted from 1; two stand before
		return time.Duration(n) * time.Second / ticks
	}
	parent, err := strconv.Atoi(fields[1])
	return stat{parent: parent, own: number(14) + number(15), children: number(16) + number(17)}, err
}

// cpuOf is the processor time of one process so far.
func cpuOf(pid int) time.Duration {
	s, _ := readStat(pid)
	return s.own
}

// cpuOfTree is that of a process, its living children, and those that have ended; 0 when it cannot
// be told.
func cpuOfTree(root int) time.Duration {
	before, err := readStat(root)
	for err == nil {
		living := cpuOfChildren(root)
		var after stat
		// A child that ended in between was in neither sum: read again until none did.
		if after, err = readStat(root); err == nil && after.children == before.children {
			return after.own + after.children + living
		}
		before = after
	}
	return 0
}

func cpuOfChildren(parent int) time.Duration {
	var sum time.Duration
	entries, _ := filepath.Glob("/proc/[0-9]*")
	for _, e := range entries {
		pid, _ := strconv.Atoi(filepath.Base(e))
		if child, err := readStat(pid); err == nil && child.parent == parent {
			sum += child.own
		}
	}
	return sum
}

// resetPeak makes VmHWM begin anew, so that a scenario's peak is its own. Where the kernel refuses,
// the peak is that of the whole run so far.
func resetPeak(pid int) {
	if pid > 0 {
		_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
	}
}

// peakRSS is the most memory that the process has held, in bytes.
func peakRSS(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	kib, _ := strconv.ParseInt(strings.TrimSuffix(field(string(text), "VmHWM"), " kB"), 10, 64)
	return kib << 10
}

// field reads "name: value" from a file of /proc.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// machine describes what the figures were taken on.
func machine() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	model := field(string(info), "model name")
	if model == "" {
		model = runtime.GOARCH
	}
	return fmt.Sprintf("%d cores of %s, Linux %s, %s", runtime.NumCPU(), model, strings.TrimSpace(string(kernel)), runtime.Version())
}

// memoryOfTree is the memory of a process and its children, each page that they share counted once
// (Pss of smaps_rollup, proc(5)).
func memoryOfTree(root int) int64 {
	sum := proportional(root)
	entries, _ := filepath.Glob("/proc/[0-9]*")
	for _, e := range entries {
		pid, _ := strconv.Atoi(filepath.Base(e))
		if child, err := readStat(pid); err == nil && child.parent == root {
			sum += proportional(pid)
		}
	}
	return sum
}

func proportional(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(field(string(text), "Pss"), " kB")), 10, 64)
	return kib << 10
}

// loadAverage is how many processes wanted to run during the last minute (proc(5)).
func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
