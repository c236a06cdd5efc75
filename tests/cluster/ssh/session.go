package main

import (
	"errors"
	"fmt"
	"io"
	"os/exec"

	"golang.org/x/crypto/ssh"
)

// session does what one session asks for: it may run one command. It takes no environment, as sshd does not as it comes, so that
// Git's oldest protocol is spoken.
func (s *server) session(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for request := range requests {
		switch request.Type {
		case "exec":
			var command struct{ Text string }
			if err := ssh.Unmarshal(request.Payload, &command); err != nil {
				_ = request.Reply(false, nil)
				return
			}
			_ = request.Reply(true, nil)
			status := struct{ Code uint32 }{s.upload(channel, command.Text)}
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(&status))
			return
		default:
			_ = request.Reply(false, nil)
		}
	}
}

// upload runs `git upload-pack` for a command; its exit code.
func (s *server) upload(channel ssh.Channel, command string) uint32 {
	folder, err := s.repository(command)
	if err != nil {
		fmt.Fprintln(channel.Stderr(), err)
		return 128
	}
	git := exec.Command("git", "upload-pack", folder)
	git.Stdout, git.Stderr = channel, channel.Stderr()
	// Not git.Stdin: waiting for its end would be waiting for the client's.
	stdin, err := git.StdinPipe()
	if err == nil {
		err = git.Start()
	}
	if err != nil {
		fmt.Fprintln(channel.Stderr(), "cannot run git:", err)
		return 1
	}
	go func() {
		_, _ = io.Copy(stdin, channel)
		_ = stdin.Close()
	}()
	var ended *exec.ExitError
	if err := git.Wait(); errors.As(err, &ended) {
		return uint32(ended.ExitCode())
	} else if err != nil {
		return 1
	}
	return 0
}
