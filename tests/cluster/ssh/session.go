package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"golang.org/x/crypto/ssh"
)

// session does what one session asks for: it may set the version of Git's protocol, and run one command.
func (s *server) session(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	var protocol string
	for request := range requests {
		switch request.Type {
		case "env":
			var variable struct{ Name, Value string }
			isKnown := ssh.Unmarshal(request.Payload, &variable) == nil && variable.Name == "GIT_PROTOCOL"
			if isKnown {
				protocol = variable.Value
			}
			_ = request.Reply(isKnown, nil)
		case "exec":
			var command struct{ Text string }
			if err := ssh.Unmarshal(request.Payload, &command); err != nil {
				_ = request.Reply(false, nil)
				return
			}
			_ = request.Reply(true, nil)
			status := struct{ Code uint32 }{s.upload(channel, command.Text, protocol)}
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(&status))
			return
		default:
			_ = request.Reply(false, nil)
		}
	}
}

// upload runs `git upload-pack` for a command; its exit code.
func (s *server) upload(channel ssh.Channel, command, protocol string) uint32 {
	folder, err := s.repository(command)
	if err != nil {
		fmt.Fprintln(channel.Stderr(), err)
		return 128
	}
	git := exec.Command("git", "upload-pack", folder)
	git.Env = append(os.Environ(), "GIT_PROTOCOL="+protocol)
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
