// git-over-ssh serves the repositories below a folder over SSH, to whoever has its one key, for reading.
//
// It chooses a port of 127.0.0.1 and makes both keys, its own and its user's, prints them as one line of JSON, and serves until its
// standard input ends.
//
// usage: git-over-ssh FOLDER
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

// A greeting says how the server is reached.
type greeting struct {
	Port int `json:"port"`
	// As a line of known_hosts has it, behind the name of the host.
	HostKey string `json:"hostKey"`
	// The private key of the user, in OpenSSH's own form.
	UserKey string `json:"userKey"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: git-over-ssh FOLDER")
		os.Exit(2)
	}
	if err := serve(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "git-over-ssh:", err)
		os.Exit(1)
	}
}

// serve answers until standard input ends.
func serve(folder string) error {
	_, hostKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	host, err := ssh.NewSignerFromKey(hostKey)
	if err != nil {
		return err
	}
	userPublic, userKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	allowed, err := ssh.NewPublicKey(userPublic)
	if err != nil {
		return err
	}
	block, err := ssh.MarshalPrivateKey(userKey, "")
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	err = json.NewEncoder(os.Stdout).Encode(greeting{
		Port:    listener.Addr().(*net.TCPAddr).Port,
		HostKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(host.PublicKey()))),
		UserKey: string(pem.EncodeToMemory(block)),
	})
	if err != nil {
		return err
	}
	server := server{folder: folder, config: config(host, allowed)}
	go server.accept(listener)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// config lets the user `git` in with one key, and nobody else in any way.
func config(host ssh.Signer, allowed ssh.PublicKey) *ssh.ServerConfig {
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(user ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if user.User() == "git" && bytes.Equal(key.Marshal(), allowed.Marshal()) {
				return nil, nil
			}
			return nil, errors.New("another key")
		},
	}
	config.AddHostKey(host)
	return config
}

type server struct {
	folder string
	config *ssh.ServerConfig
}

func (s *server) accept(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, "git-over-ssh: accept:", err)
			return
		}
		go s.talk(connection)
	}
}

// talk serves one client. One that does not get in, or goes, is nothing to tell about.
func (s *server) talk(connection net.Conn) {
	defer connection.Close()
	_, channels, requests, err := ssh.NewServerConn(connection, s.config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for channel := range channels {
		if channel.ChannelType() != "session" {
			_ = channel.Reject(ssh.UnknownChannelType, "there are only sessions here")
			continue
		}
		accepted, requests, err := channel.Accept()
		if err != nil {
			return
		}
		go s.session(accepted, requests)
	}
}

// repository is the folder that a command asks to read: `git-upload-pack '/colors.git'`, and nothing else is let through.
func (s *server) repository(command string) (string, error) {
	path, isUpload := strings.CutPrefix(command, "git-upload-pack ")
	path, isBegun := strings.CutPrefix(path, "'")
	path, isEnded := strings.CutSuffix(path, "'")
	if !isUpload || !isBegun || !isEnded || strings.Contains(path, "'") {
		return "", fmt.Errorf("only git-upload-pack of one repository is allowed, not %q", command)
	}
	// A path that begins with a slash cannot climb out.
	folder := filepath.Join(s.folder, filepath.Clean("/"+path))
	if _, err := os.Stat(folder); err != nil {
		return "", fmt.Errorf("there is no repository %q", path)
	}
	return folder, nil
}
