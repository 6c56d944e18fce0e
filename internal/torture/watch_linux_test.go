package torture

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call is a system call that a daemon is about to make.
type call struct {
	name string // as in watchable
	path string // of the file
}

// ruling is what becomes of a call: it is made, or it fails, after a while.
type ruling struct {
	fails syscall.Errno
	after time.Duration
}

// watchable are the calls that write and open files. SQLite's C library uses
// open where the processor has it, everything else openat.
var watchable = map[int32]string{
	unix.SYS_FSYNC: "fsync", unix.SYS_FDATASYNC: "fsync", unix.SYS_PWRITE64: "pwrite64", unix.SYS_OPENAT: "open", openNumber(): "open",
}

func openNumber() int32 {
	if runtime.GOARCH == "amd64" {
		return 2
	}
	return unix.SYS_OPENAT
}

// watch puts a judge of one kind of call between a daemon and the kernel.
// Unlike strace, whose injection counts for each thread by itself, the judge
// sees the calls of all threads one after the other, so that the n-th call is
// the n-th call; and it may change its mind while the daemon runs.
func watch(tb testing.TB, name string, judge func(call) ruling) wrapper {
	tb.Helper()
	if err := tryFilter(name); err != nil {
		cannot(tb, fmt.Sprintf("the calls of a process have to be watched, which needs seccomp's notifications and Linux 5.19: %v", err))
	}
	return func(cmd *exec.Cmd) {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			tb.Fatal(err)
		}
		self, err := os.Executable()
		if err != nil {
			tb.Fatal(err)
		}
		cmd.Path, cmd.Args = self, slices.Insert(cmd.Args, 0, self)
		cmd.Env = append(cmd.Env, beWatched+"="+name)
		cmd.ExtraFiles = []*os.File{os.NewFile(uintptr(pair[1]), "watcher")}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			defer unix.Close(pair[0])
			if listener, err := receiveListener(pair[0]); err != nil {
				tb.Errorf("watch the daemon: %v", err)
			} else {
				preside(listener, judge)
			}
		}()
		tb.Cleanup(func() { <-ended })
	}
}

// beWatched names, in the environment of a test binary that shall become a
// daemon, the calls that are watched.
const beWatched = "DEALBELL_TORTURE_WATCHED"

// becomeWatched hands the right to judge this process's calls to its parent
// and turns into the command on its command line.
func becomeWatched() {
	runtime.LockOSThread() // the filter is the thread's, and the command's after it
	listener, err := filter(os.Getenv(beWatched))
	if err == nil {
		err = unix.Sendmsg(3, []byte{0}, unix.UnixRights(listener), nil, 0)
	}
	if err == nil {
		unix.CloseOnExec(3)
		environment := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, beWatched+"=") })
		err = syscall.Exec(os.Args[1], os.Args[1:], environment)
	}
	fmt.Fprintln(os.Stderr, "be watched:", err)
	os.Exit(1)
}

// filter lets somebody else decide on one kind of call of this thread.
func filter(name string) (listener int, err error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, err
	}
	program := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}} // the call's number
	for number, its := range watchable {
		if its == name {
			program = append(program,
				unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: uint32(number)},
				unix.SockFilter{Code: unix.BPF_RET, K: unix.SECCOMP_RET_USER_NOTIF})
		}
	}
	program = append(program, unix.SockFilter{Code: unix.BPF_RET, K: unix.SECCOMP_RET_ALLOW})
	loaded := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	// Without the second flag a signal, of which Go's runtime sends many,
	// would make the thread ask again.
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	fd, _, failed := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&loaded)))
	if failed != 0 {
		return 0, failed
	}
	return int(fd), nil
}

// tryFilter reports whether calls can be watched here, at the cost of a
// thread.
func tryFilter(name string) error {
	tried := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends, with its filter
		listener, err := filter(name)
		if err == nil {
			err = syscall.Close(listener)
		}
		tried <- err
	}()
	return <-tried
}

func receiveListener(socket int) (int, error) {
	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(socket, make([]byte, 1), control, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return 0, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		return 0, errors.Join(errors.New("no listener came"), err)
	}
	listeners, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return 0, err
	}
	return listeners[0], nil
}

// notification and reply are struct seccomp_notif and seccomp_notif_resp of
// the kernel.
type notification struct {
	id       uint64
	thread   uint32
	_        uint32 // flags
	number   int32
	_        uint32    // architecture
	_        uint64    // instruction pointer
	argument [6]uint64 // of the call
}

type reply struct {
	id    uint64
	_     int64 // result
	errno int32 // negative
	flags uint32
}

// preside asks the judge about each call until the process is gone.
func preside(listener int, judge func(call) ruling) {
	defer unix.Close(listener)
	for {
		poll := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(poll, -1); errors.Is(err, unix.EINTR) {
			continue
		}
		if poll[0].Revents&unix.POLLIN == 0 {
			return
		}
		var n notification
		if !control(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)) {
			continue // the thread was killed
		}
		r := judge(call{watchable[n.number], n.path()})
		answer := reply{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		if r.fails != 0 {
			answer = reply{id: n.id, errno: -int32(r.fails)}
		}
		if r.after == 0 {
			control(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&answer))
			continue
		}
		time.AfterFunc(r.after, func() { control(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&answer)) })
	}
}

func control(listener int, request uint, argument unsafe.Pointer) bool {
	_, _, failed := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), uintptr(request), uintptr(argument))
	return failed == 0
}

// path finds out which file a call is about.
func (n *notification) path() string {
	at := n.argument[0]
	switch {
	case watchable[n.number] != "open":
		path, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", n.thread, at)) // "" when the thread is gone
		return path
	case n.number == unix.SYS_OPENAT:
		at = n.argument[1]
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", n.thread))
	if err != nil {
		return ""
	}
	defer memory.Close()
	text := make([]byte, 1024)
	size, _ := memory.ReadAt(text, int64(at)) // less than all when the memory ends there
	path, _, _ := bytes.Cut(text[:size], []byte{0})
	return string(path)
}
