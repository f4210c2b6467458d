package packaging

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func dockerfile(t *testing.T) (images map[string]string, byName map[string]*stage, last *stage) {
	t.Helper()
	all, err := parseDockerfile(read(t, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	images, list, err := stages(all)
	if err != nil {
		t.Fatal(err)
	}
	byName = make(map[string]*stage)
	for _, s := range list {
		byName[s.name] = s
	}
	return images, byName, list[len(list)-1]
}

func TestImagesArePinnedAndCanBeGivenByDigest(t *testing.T) {
	images, list, _ := dockerfile(t)
	pinned := regexp.MustCompile(`^[a-z0-9./-]+:[a-z0-9.-]*[0-9]+\.[0-9]+[a-z0-9.-]*(@sha256:[0-9a-f]{64})?$`)
	for _, s := range list {
		if image := images[s.image]; !pinned.MatchString(image) {
			t.Errorf("stage %s: image %s is %q, without a full version", s.name, s.image, image)
		}
	}
}

// execForm is the form of a command that needs no shell.
func execForm(t *testing.T, args string) (words []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(args), &words); err != nil {
		t.Errorf("%s: not the exec form: %v", args, err)
	}
	return words
}

func TestImageRunsAsNobodySpecialWithoutAShell(t *testing.T) {
	_, list, final := dockerfile(t)
	if final.name != "fluent-bit" {
		t.Errorf("the default target is %s", final.name)
	}
	for _, s := range []*stage{list["files"], final} {
		if users := s.of("USER"); !slices.Equal(users, []string{"65532:65532"}) {
			t.Errorf("%s runs as %q", s.name, users)
		}
		if len(s.of("RUN")) > 0 {
			t.Errorf("%s runs something to be built, and there may be no shell", s.name)
		}
		execForm(t, s.of("CMD")[0])
	}
	if got := execForm(t, final.of("ENTRYPOINT")[0]); !slices.Equal(got, []string{"/fluent-bit/bin/fluent-bit"}) {
		t.Errorf("entry point %q", got)
	}
	_, command, _ := strings.Cut(final.of("HEALTHCHECK")[0], "CMD ")
	if got := execForm(t, command); !slices.Equal(got, []string{"/usr/bin/siemctl", "health"}) {
		t.Errorf("health check %q", got)
	}
}

// What a stage copies is there: in the build context, or made by an earlier stage.
func TestCopiedFilesAreThere(t *testing.T) {
	_, list, final := dockerfile(t)
	built := []string{"/src/build/out_siem_s3.so", "/src/build/siemctl", "/src/build/state", "/usr/local/go"}
	for _, s := range []*stage{list["build"], list["files"], final} {
		for _, args := range s.of("COPY") {
			from, sources := "", []string{}
			for _, word := range strings.Fields(args) {
				if value, ok := strings.CutPrefix(word, "--from="); ok {
					from = value
				} else if !strings.HasPrefix(word, "--") {
					sources = append(sources, word)
				}
			}
			for _, source := range sources[:len(sources)-1] {
				inContext, fromSource := strings.CutPrefix(source, "/src/")
				switch {
				case from != "" && slices.Contains(built, source):
				case from != "" && !fromSource:
					t.Errorf("%s: %s is nowhere", s.name, source)
				default:
					if from == "" {
						inContext = source
					}
					if ignored(t, inContext) {
						t.Errorf("%s: %s is kept out of the build by .dockerignore", s.name, source)
					}
					exists(t, inContext)
				}
			}
		}
	}
}

func exists(t *testing.T, name string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root, name)); err != nil {
		t.Error(err)
	}
}

// ignored says whether .dockerignore, which has plain paths only, keeps it out.
func ignored(t *testing.T, name string) bool {
	t.Helper()
	for _, line := range strings.Fields(read(t, ".dockerignore")) {
		if strings.ContainsAny(line, "*?[!#") {
			t.Fatalf(".dockerignore: %s is no plain path", line)
		}
		if name = path.Clean(name); name == line || strings.HasPrefix(name, line+"/") {
			return true
		}
	}
	return false
}

// buildContext is a copy of what Docker would see.
func buildContext(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		to := filepath.Join(dir, rel)
		switch {
		case ignored(t, rel) && d.IsDir():
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(to, 0o755)
		case !d.Type().IsRegular() || ignored(t, rel):
			return nil
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, content, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// The commands of the build stage run in a clean copy and leave what the other
// stages copy. The packages of the distribution are those of this machine, and so
// is glibc: the floor is checked only where it is said to hold.
func TestBuildStageRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the plugin and siemctl")
	}
	t.Parallel()
	_, list, _ := dockerfile(t)
	dir := buildContext(t)
	for _, command := range list["build"].of("RUN") {
		switch {
		case strings.HasPrefix(command, "dnf "):
			continue
		case strings.Contains(command, "--floor") && os.Getenv("SIEM_S3_GLIBC_FLOOR") == "":
			command = strings.Replace(command, "--floor 2.31", "", 1)
		}
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", command)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "VERSION=1.2.3-test", "GOTOOLCHAIN=local", "MAKEFLAGS=")
		out, err := cmd.CombinedOutput()
		t.Logf("RUN %s\n%s", command, out)
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"out_siem_s3.so", "siemctl", "state"} {
		if _, err := os.Stat(filepath.Join(dir, "build", name)); err != nil {
			t.Error(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "build", "siemctl"), "version").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "1.2.3-test") {
		t.Errorf("siemctl version: %v, %s", err, out)
	}
}

func TestWhatIsNoDockerfile(t *testing.T) {
	for name, text := range map[string]string{
		"unknown instruction": "FROM a AS b\nSHELL x",
		"open end":            "FROM a AS b\nRUN x \\",
		"escape":              "# escape=`\nFROM a AS b",
		"heredoc":             "RUN <<EOF\nEOF",
	} {
		if all, err := parseDockerfile(text); err == nil {
			t.Errorf("%s is read: %v", name, all)
		}
	}
	for name, text := range map[string]string{"nameless": "FROM a", "too early": "RUN x\nFROM a AS b"} {
		all, err := parseDockerfile(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := stages(all); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}
