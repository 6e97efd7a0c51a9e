package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/nn/dataset"
)

func TestData(t *testing.T) {
	r := lanewise(t, "data").ok(t)
	for _, set := range dataset.Names(dataset.Options{}) {
		if !strings.Contains(r.stdout, "\n"+set.Name+" ") && !strings.HasPrefix(r.stdout, set.Name+" ") || !strings.Contains(r.stdout, set.About) {
			t.Errorf("%s is not listed:\n%s", set.Name, r.stdout)
		}
	}
	if r := lanewise(t, "data", "digits", "digits").ok(t); r.stdout != strings.Repeat("digits: 1437 training and 360 test images of 8x8 in 10 classes, embedded in the program\n", 2) {
		t.Errorf("%q", r.stdout)
	}
	if r := lanewise(t, "data", "digits", "no-such-set"); r.code != exitFailure || !strings.Contains(r.stderr, "mnist, fashion-mnist, digits") {
		t.Errorf("exit code %d, stderr %q", r.code, r.stderr)
	}
}

func TestDownloadProgress(t *testing.T) {
	steps := []dataset.Download{
		{Set: "mnist", File: "a.gz", From: "http://x/a.gz", Total: 100},
		{Set: "mnist", File: "a.gz", From: "http://x/a.gz", Done: 40, Total: 100},
		{Set: "mnist", File: "a.gz", From: "http://y/a.gz", Done: 40, Total: 100, Err: errors.New("cut off")},
		{Set: "mnist", File: "b.gz", From: "http://y/b.gz", Done: 60, Total: 100},
	}
	show := func(terminal bool) string {
		var b bytes.Buffer
		p := downloadProgress{w: &b, terminal: terminal}
		for _, s := range steps {
			p.show(s)
		}
		p.close()
		return b.String()
	}
	want := "downloading a.gz from http://x/a.gz\n" +
		"lanewise: trying again: cut off\ndownloading a.gz from http://y/a.gz\n" +
		"downloading b.gz from http://y/b.gz\n"
	if got := show(false); got != want {
		t.Errorf("in a pipe %q, want %q", got, want)
	}
	got := show(true)
	if !strings.Contains(got, "downloading mnist") || !strings.Contains(got, "lanewise: trying again: cut off\n") || !strings.HasSuffix(got, "\r") {
		t.Errorf("on a terminal %q", got)
	}
}
