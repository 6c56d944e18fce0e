package torture

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// traced are the calls that can change a file or answer a request, also those
// that the daemon does not use: the replay would have to know them.
const traced = "open,openat,creat,pwrite64,write,ftruncate,fsync,fdatasync,unlink,unlinkat,mmap," +
	"truncate,pwritev,pwritev2,writev,fallocate,rename,renameat,renameat2,link,linkat,sendto,sendmsg,sendfile,copy_file_range,sync_file_range"

// step is one line of strace: a call, or the first or the second half of one
// in which another thread came between.
type step struct {
	thread       string
	begins, ends bool
	call         string
	arguments    []string // as they are printed
	result       int64    // negative: it failed, or the process was killed in it
}

// record makes a wrapper that traces a daemon. Once the daemon has ended,
// replay hands on each step.
func record(tb testing.TB) (wrap wrapper, replay func(each func(step))) {
	tb.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		cannot(tb, "a power cut is replayed from what strace records, which is not installed")
	}
	path := filepath.Join(tb.TempDir(), "trace")
	done := make(chan error, 1)
	wrap = func(cmd *exec.Cmd) {
		out, in, err := os.Pipe() // it ends when the tracer does
		if err != nil {
			tb.Fatal(err)
		}
		cmd.Path = strace
		cmd.Args = slices.Concat([]string{ // -D: the tracer is a grandchild, the daemon keeps its pid
			strace, "-D", "-f", "-y", "-xx", "-qq", "-s", "300000", "--seccomp-bpf", "-e", "signal=none", "-e", "trace=" + traced, "-o", "/dev/fd/3",
		}, cmd.Args)
		cmd.ExtraFiles = []*os.File{in}
		go func() {
			defer out.Close()
			done <- keep(out, path)
		}()
	}
	return wrap, func(each func(step)) {
		tb.Helper()
		if err := <-done; err != nil {
			tb.Fatalf("keep the trace: %v", err)
		}
		f, err := os.Open(path)
		if err != nil {
			tb.Fatal(err)
		}
		defer f.Close()
		if err := readSteps(f, each); err != nil {
			tb.Fatalf("read the trace: %v", err)
		}
	}
}

func keep(from io.Reader, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}

func readSteps(from io.Reader, each func(step)) error {
	lines := bufio.NewReaderSize(from, 1<<20)
	halves := map[string]string{} // by thread
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if s, ok := parseStep(strings.TrimSpace(line), halves); ok {
			each(s)
		}
	}
}

// parseStep reads "thread call(arguments) = result", or a half of it: that
// ends in "<unfinished ...>" or begins with "<... call resumed>".
func parseStep(line string, halves map[string]string) (s step, ok bool) {
	thread, text, _ := strings.Cut(line, " ")
	text = strings.TrimSpace(text)
	s = step{thread: thread, begins: true, ends: true}
	if half, found := strings.CutSuffix(text, "<unfinished ...>"); found {
		halves[thread], s.ends = strings.TrimSpace(half), false
		text = half
	} else if _, rest, found := strings.Cut(text, " resumed>"); found && strings.HasPrefix(text, "<... ") {
		text, s.begins = halves[thread]+rest, false
	}
	if s.ends {
		before, result, found := cutLast(text, " = ")
		if !found {
			return s, false // how a thread ended
		}
		text, s.result = strings.TrimSuffix(strings.TrimSpace(before), ")"), leadingNumber(result)
	}
	var arguments string
	s.call, arguments, ok = strings.Cut(text, "(")
	for argument := range strings.SplitSeq(arguments, ",") { // text is in hexadecimal: it has no commas
		s.arguments = append(s.arguments, strings.TrimSpace(argument))
	}
	return s, ok
}

func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

// leadingNumber is -1 where there is none.
func leadingNumber(text string) int64 {
	end := 0
	for end < len(text) && (text[end] == '-' || '0' <= text[end] && text[end] <= '9') {
		end++
	}
	n, err := strconv.ParseInt(text[:end], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func (s step) number(argument int) int64 { return leadingNumber(s.arguments[argument]) }

// text is an argument that is a string.
func (s step) text(argument int) []byte { return unescape(strings.Trim(s.arguments[argument], `"`)) }

// file is the path of an argument that is a descriptor; "" for one without.
func (s step) file(argument int) string {
	_, name, _ := strings.Cut(s.arguments[argument], "<")
	return string(unescape(strings.TrimSuffix(name, ">")))
}

// unescape reads \x64\x65; anything else is nil.
func unescape(text string) []byte {
	data := make([]byte, len(text)/4)
	for i := range data {
		if text[4*i] != '\\' || text[4*i+1] != 'x' {
			return nil
		}
		if _, err := hex.Decode(data[i:i+1], []byte(text[4*i+2:4*i+4])); err != nil {
			return nil
		}
	}
	return data
}

// paths lists all files that a call names.
func (s step) paths() (list []string) {
	for i := range s.arguments {
		list = append(list, s.file(i), string(s.text(i)))
	}
	return list
}

func TestStraceIsReadRight(t *testing.T) {
	t.Parallel()
	const name = `<\x2f\x61>` // of a file
	trace := `7 pwrite64(9` + name + `, "\x01\x02", 2, 56 <unfinished ...>
8 fsync(9` + name + ` <unfinished ...>
7 <... pwrite64 resumed>)           = 2
8 <... fsync resumed>)              = -1 EIO (Input/output error)
7 open("\x2f\x62", O_RDWR|O_CREAT, 0600) = 3<\x2f\x62>
7 write(4<\x73\x6f\x63>, "\x48", 1) = ?
7 +++ killed by SIGKILL +++
`
	var steps []step
	if err := readSteps(strings.NewReader(trace), func(s step) { steps = append(steps, s) }); err != nil {
		t.Fatal(err)
	}
	halves := map[[2]bool]string{{true, false}: "first", {false, true}: "second", {true, true}: "whole"}
	var got []string
	for _, s := range steps {
		got = append(got, fmt.Sprintf("%s %s %s %s %d", s.thread, halves[[2]bool{s.begins, s.ends}], s.call, s.file(0), s.result))
	}
	want := []string{
		"7 first pwrite64 /a 0", "8 first fsync /a 0", "7 second pwrite64 /a 2", "8 second fsync /a -1",
		"7 whole open  3", "7 whole write soc -1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("steps\n%q, want\n%q", got, want)
	}
	if w := steps[2]; !bytes.Equal(w.text(1), []byte{1, 2}) || w.number(3) != 56 {
		t.Errorf("the write is of %v at %d", w.text(1), w.number(3))
	}
	if path := string(steps[4].text(0)); path != "/b" {
		t.Errorf("%q was opened", path)
	}
}
