package main

import (
	"errors"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

type options struct {
	rounds   int
	length   time.Duration
	counts   []int // connections of the single posts and of the yardsticks
	bulk     int   // lines of a request
	messages int   // of the deliveries
	signals  int   // of the workspace whose pages are read
	gigabyte bool
	quick    bool
	dbs      []string
	only     *regexp.Regexp
	dir      string
	out      string
	doc      string
	profile  string
}

const (
	wholeCounts   = "1,16,64,256"
	wholeRounds   = 5
	wholeSignals  = 5_000_000
	wholeDBs      = "postgres,sqlite"
	pgbenchAtMost = 64 // clients: posts on more connections are held against these
)

func parse() (options, error) {
	var o options
	flag.BoolVar(&o.quick, "quick", false, "a few minutes: 1 and 64 connections, 3 rounds of a second, 200,000 signals, no gigabyte (other flags still count)")
	counts := flag.String("connections", wholeCounts, "numbers of connections of the single posts")
	dbs := flag.String("db", wholeDBs, "databases to measure on")
	flag.IntVar(&o.rounds, "rounds", wholeRounds, "rounds; every task runs once in each")
	flag.DurationVar(&o.length, "duration", time.Second, "length of a task in a round, in whole seconds")
	flag.IntVar(&o.bulk, "bulk-lines", 20000, "lines of a bulk request")
	flag.IntVar(&o.messages, "messages", 10000, "messages of a round of deliveries")
	flag.IntVar(&o.signals, "signals", wholeSignals, "signals of the workspace whose pages are read")
	flag.BoolVar(&o.gigabyte, "gigabyte", true, "end with a bulk upload of 1 GiB to each database")
	only := flag.String("only", "", "run only the scenarios whose name matches this regular expression, such as '^single posts$'")
	flag.StringVar(&o.dir, "dir", "", "where the SQLite databases go (default: the temporary directory); choose the disk to be measured")
	flag.StringVar(&o.out, "out", "", "file to write the report to as well")
	flag.StringVar(&o.doc, "doc", "", "Markdown file whose part between the bench's two comments a whole run replaces")
	flag.StringVar(&o.profile, "profile", "", "directory for profiles of the server (CPU, allocation, blocking, contended locks) under single posts (or the first that -only leaves), taken after the rounds")
	flag.Parse()
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if o.quick {
		o.shorten(given, counts)
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, fmt.Errorf("-only: %w", err)
	}
	if o.counts, err = numbers(*counts); err != nil {
		return o, err
	}
	o.dbs = strings.Split(*dbs, ",")
	if o.rounds < 1 || o.length < time.Second || o.bulk < 1 || o.messages < 2 || o.signals < 1000 || flag.NArg() > 0 {
		return o, errors.New("-rounds and -bulk-lines start at 1, -messages at 2, -signals at 1000, -duration at 1s, and there are no arguments; see -help")
	}
	if o.doc != "" && !o.whole(*counts, *dbs, *only) {
		fmt.Println("This is a part of the bench: " + o.doc + " stays as it is.")
		o.doc = ""
	}
	return o, nil
}

// shorten is -quick, for what no flag says otherwise.
func (o *options) shorten(given map[string]bool, counts *string) {
	for name, set := range map[string]func(){
		"connections": func() { *counts = "1,64" },
		"rounds":      func() { o.rounds = 3 },
		"signals":     func() { o.signals = 200_000 },
		"messages":    func() { o.messages = 3000 },
		"gigabyte":    func() { o.gigabyte = false },
	} {
		if !given[name] {
			set()
		}
	}
}

// whole tells whether a run measures everything that docs/performance.md shows, often enough to be
// shown.
func (o *options) whole(counts, dbs, only string) bool {
	return !o.quick && o.gigabyte && only == "" && counts == wholeCounts && dbs == wholeDBs &&
		o.rounds >= wholeRounds && o.signals >= wholeSignals
}

func numbers(list string) ([]int, error) {
	var found []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-connections %q is not a list of numbers such as 1,64", list)
		}
		found = append(found, n)
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// usual is the number of connections of all but the single posts: 64, or the nearest below.
func (o *options) usual() int {
	n := o.counts[0]
	for _, c := range o.counts {
		if c <= pgbenchAtMost {
			n = c
		}
	}
	return n
}

// pageLength is how long a page is read in a round: a second gives some hundred answers.
func (o *options) pageLength() time.Duration { return max(time.Second, o.length/3) }
