package dataset

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// remoteSet is a named set that is not embedded: four gzipped IDX files that are the same bytes
// wherever they come from.
type remoteSet struct {
	name, about string
	files       [4]remoteFile
	mirrors     []string // addresses that a file name is appended to, in the order in which they are tried
	system      string   // folder where the operating system's package puts the set, if there is such a package
}

type remoteFile struct {
	name   string
	size   int64
	sha256 string
}

// size returns the bytes of all files.
func (s *remoteSet) size() (n int64) {
	for _, f := range s.files {
		n += f.size
	}
	return n
}

// library is what [Open] knows by name, and how it fetches that. Tests have their own, with mirrors
// on this machine.
type library struct {
	sets   []*remoteSet
	client *http.Client
	stall  time.Duration // how long nothing may arrive before a mirror is given up
}

var standard = library{sets: []*remoteSet{&mnist, &fashionMNIST}, client: newClient(), stall: 30 * time.Second}

// mnist is Y. LeCun, C. Cortes, C. Burges: The MNIST database of handwritten digits. Its home page
// has stopped serving the files; the mirrors are those that PyTorch and TensorFlow's people keep.
var mnist = remoteSet{
	name:  "mnist",
	about: "handwritten digits, 60000 + 10000 images of 28x28, 10 classes",
	files: [4]remoteFile{
		{"train-images-idx3-ubyte.gz", 9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
		{"train-labels-idx1-ubyte.gz", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
		{"t10k-images-idx3-ubyte.gz", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
		{"t10k-labels-idx1-ubyte.gz", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"},
	},
	mirrors: []string{
		"https://ossci-datasets.s3.amazonaws.com/mnist/",
		"https://storage.googleapis.com/cvdf-datasets/mnist/",
	},
}

// fashionMNIST is H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST, under the MIT licence. Debian
// packs the same images and labels with other gzip headers, so that its files have other hashes.
var fashionMNIST = remoteSet{
	name:  "fashion-mnist",
	about: "pieces of clothing, 60000 + 10000 images of 28x28, 10 classes",
	files: [4]remoteFile{
		{"train-images-idx3-ubyte.gz", 26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"},
		{"train-labels-idx1-ubyte.gz", 29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"},
		{"t10k-images-idx3-ubyte.gz", 4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"},
		{"t10k-labels-idx1-ubyte.gz", 5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"},
	},
	mirrors: []string{
		"https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
		"https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
		"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
	},
	system: "/usr/share/datasets/fashion-mnist",
}

// find returns the set of that name, or nil.
func (l *library) find(name string) *remoteSet {
	i := slices.IndexFunc(l.sets, func(s *remoteSet) bool { return s.name == name })
	if i < 0 {
		return nil
	}
	return l.sets[i]
}

// list returns the names that Open knows, for people.
func (l *library) list() string {
	var names []string
	for _, s := range l.sets {
		names = append(names, s.name)
	}
	return strings.Join(append(names, "digits"), ", ")
}

// openRemote reads a named set from the cache, else from where the operating system has it, else
// from a mirror.
func (l *library) openRemote(ctx context.Context, s *remoteSet, opt Options) (*Data, error) {
	dir, err := opt.cache(s.name)
	var missing error
	if err != nil {
		missing = err
	} else if missing = s.cached(dir); missing == nil {
		return s.open(ctx, dir)
	}
	if s.installed() {
		return s.open(ctx, s.system)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: no folder to keep it in: %w", s.name, err)
	}
	if opt.Offline {
		return nil, fmt.Errorf("%s: not at hand, and downloading is off (name a folder or .npz file that has it): %w", s.name, missing)
	}
	d := download{client: l.client, stall: l.stall, set: s, dir: dir, progress: opt.Progress}
	if err := d.run(ctx); err != nil {
		return nil, err
	}
	return s.open(ctx, dir)
}

func (s *remoteSet) open(ctx context.Context, dir string) (*Data, error) {
	d, err := openFolder(ctx, dir)
	if err != nil {
		return nil, err
	}
	d.Name = s.name
	return d, nil
}

// cached tells why the files in dir are not the set, if they are not. Reading 12 or 30 MB once more
// to compare hashes costs less than unpacking them, and keeps a damaged cache from passing as data.
func (s *remoteSet) cached(dir string) error {
	for _, f := range s.files {
		if err := f.verify(filepath.Join(dir, f.name)); err != nil {
			return err
		}
	}
	return nil
}

// complete tells quickly whether all files are in dir, by their sizes.
func (s *remoteSet) complete(dir string) bool {
	for _, f := range s.files {
		if st, err := os.Stat(filepath.Join(dir, f.name)); err != nil || st.Size() != f.size {
			return false
		}
	}
	return true
}

// installed tells whether a package of the operating system has brought the set.
func (s *remoteSet) installed() bool {
	if s.system == "" {
		return false
	}
	for _, name := range idxNames {
		if _, err := findIDX(s.system, name); err != nil {
			return false
		}
	}
	return true
}

// Info describes a data set that [Open] knows by name.
type Info struct {
	Name  string
	About string
	Ready bool   // it needs no download
	Where string // where it is, or where it would go and how large it is
}

// Names lists the sets that [Open] knows by name.
func Names(opt Options) []Info { return standard.names(opt) }

func (l *library) names(opt Options) []Info {
	var all []Info
	for _, s := range l.sets {
		i := Info{Name: s.name, About: s.about}
		dir, err := opt.cache(s.name)
		switch {
		case err == nil && s.complete(dir):
			i.Ready, i.Where = true, dir
		case s.installed():
			i.Ready, i.Where = true, s.system
		case err != nil:
			i.Where = fmt.Sprintf("no folder to keep it in: %v", err)
		default:
			i.Where = fmt.Sprintf("to be downloaded to %s, %s", dir, megabytes(s.size()))
		}
		all = append(all, i)
	}
	return append(all, Info{
		Name: "digits", About: "handwritten digits, 1437 + 360 images of 8x8, 10 classes", Ready: true, Where: embedded,
	})
}

func megabytes(n int64) string { return fmt.Sprintf("%.0f MB", float64(n)/1e6) }
