// Package schema checks the manifests in deploy against the types of Kubernetes and
// the schema of Compose, without a cluster or an engine. It is a module of its own,
// so that none of that is among the dependencies of the plugin.
package schema

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

const deploy = "../../../deploy"

// kinds are what the manifests are made of.
var kinds = map[string]func() any{
	"apps/v1/StatefulSet": func() any { return new(apps.StatefulSet) },
	"v1/ConfigMap":        func() any { return new(core.ConfigMap) },
	"v1/Namespace":        func() any { return new(core.Namespace) },
	"v1/Service":          func() any { return new(core.Service) },
	"v1/ServiceAccount":   func() any { return new(core.ServiceAccount) },
}

func objects(t *testing.T, name string) (all []any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(deploy, "kubernetes", name))
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range regexp.MustCompile(`(?m)^---$`).Split(string(content), -1) {
		var of struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal([]byte(document), &of); err != nil {
			t.Fatal(err)
		}
		kind := kinds[of.APIVersion+"/"+of.Kind]
		if kind == nil {
			t.Fatalf("%s: unknown kind %+v", name, of)
		}
		object := kind()
		if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
			t.Fatalf("%s: %s: %v", name, of.Kind, err)
		}
		all = append(all, object)
	}
	return all
}

func TestServiceAccount(t *testing.T) {
	all := objects(t, "service-account.yaml")
	account := all[1].(*core.ServiceAccount)
	if account.Name != "siem-s3" || account.Annotations["eks.amazonaws.com/role-arn"] == "" {
		t.Errorf("%+v", account)
	}
}

func TestSidecar(t *testing.T) {
	all := objects(t, "sidecar.yaml")
	set := all[len(all)-1].(*apps.StatefulSet)
	pod := set.Spec.Template
	for key, value := range set.Spec.Selector.MatchLabels {
		if pod.Labels[key] != value {
			t.Errorf("the selector does not find its pods: %s", key)
		}
	}
	for _, claim := range set.Spec.VolumeClaimTemplates {
		pod.Spec.Volumes = append(pod.Spec.Volumes, core.Volume{Name: claim.Name})
	}
	checkPod(t, &pod.Spec)
	if policy := pod.Spec.InitContainers[0].RestartPolicy; policy == nil || *policy != core.ContainerRestartPolicyAlways {
		t.Error("Fluent Bit is no sidecar: it would have to end before the application starts")
	}
}

// values is what is set of the chart's own values, strictly: those that it hands to
// Kubernetes have the types of Kubernetes. The names are those of version 0.58.2.
type values struct {
	Kind  string `json:"kind"`
	Image struct {
		Repository string `json:"repository"`
		Tag        string `json:"tag"`
	} `json:"image"`
	ServiceAccount struct {
		Create bool   `json:"create"`
		Name   string `json:"name"`
	} `json:"serviceAccount"`
	TerminationGracePeriodSeconds int64                        `json:"terminationGracePeriodSeconds"`
	UpdateStrategy                apps.DaemonSetUpdateStrategy `json:"updateStrategy"`
	InitContainers                []core.Container             `json:"initContainers"`
	SecurityContext               core.SecurityContext         `json:"securityContext"`
	Resources                     core.ResourceRequirements    `json:"resources"`
	LivenessProbe                 *core.Probe                  `json:"livenessProbe"`
	ReadinessProbe                *core.Probe                  `json:"readinessProbe"`
	Args                          []string                     `json:"args"`
	DaemonSetVolumes              []core.Volume                `json:"daemonSetVolumes"`
	DaemonSetVolumeMounts         []core.VolumeMount           `json:"daemonSetVolumeMounts"`
	ExtraVolumes                  []core.Volume                `json:"extraVolumes"`
	ExtraVolumeMounts             []core.VolumeMount           `json:"extraVolumeMounts"`
	Config                        struct {
		Service       string `json:"service"`
		CustomParsers string `json:"customParsers"`
		Inputs        string `json:"inputs"`
		Filters       string `json:"filters"`
		Outputs       string `json:"outputs"`
	} `json:"config"`
}

func TestValuesOfTheChart(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(deploy, "kubernetes", "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var v values
	if err := yaml.UnmarshalStrict(content, &v); err != nil {
		t.Fatal(err)
	}
	// What the chart makes of them, as far as it matters here.
	checkPod(t, &core.PodSpec{
		TerminationGracePeriodSeconds: &v.TerminationGracePeriodSeconds,
		ServiceAccountName:            v.ServiceAccount.Name,
		InitContainers:                v.InitContainers,
		Volumes:                       append(v.DaemonSetVolumes, v.ExtraVolumes...),
		Containers: []core.Container{{
			Name: "fluent-bit", Image: v.Image.Repository + ":" + v.Image.Tag, Resources: v.Resources,
			SecurityContext: &v.SecurityContext, LivenessProbe: v.LivenessProbe, ReadinessProbe: v.ReadinessProbe,
			Ports:        []core.ContainerPort{{Name: "http", ContainerPort: 2020}},
			VolumeMounts: append(v.DaemonSetVolumeMounts, v.ExtraVolumeMounts...),
		}},
	})
}

// checkPod checks what the API server would of names that refer to others, and what
// the documents promise.
func checkPod(t *testing.T, pod *core.PodSpec) {
	t.Helper()
	if pod.TerminationGracePeriodSeconds == nil || pod.ServiceAccountName != "siem-s3" {
		t.Error("no time to end, or another service account")
	}
	spool := false
	for _, c := range append(slices.Clone(pod.InitContainers), pod.Containers...) {
		for _, mount := range c.VolumeMounts {
			if !slices.ContainsFunc(pod.Volumes, func(v core.Volume) bool { return v.Name == mount.Name }) {
				t.Errorf("%s: there is no volume %s", c.Name, mount.Name)
			}
			spool = spool || mount.MountPath == "/var/lib/fluent-bit" && !mount.ReadOnly
		}
		checkContainer(t, &c)
	}
	for _, v := range pod.Volumes {
		if v.Name == "spool" && v.EmptyDir != nil {
			t.Error("the spool does not outlive the pod")
		}
	}
	if !spool {
		t.Error("nothing is mounted where the spool is")
	}
}

func checkContainer(t *testing.T, c *core.Container) {
	t.Helper()
	if tag := c.Image[strings.LastIndex(c.Image, "/")+1:]; !strings.Contains(tag, ":") || strings.HasSuffix(tag, ":latest") {
		t.Errorf("%s: %s is not pinned", c.Name, c.Image)
	}
	if len(c.Resources.Requests) == 0 || len(c.Resources.Limits) == 0 {
		t.Errorf("%s: no resources", c.Name)
	}
	s := c.SecurityContext
	if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.ReadOnlyRootFilesystem == nil ||
		!*s.ReadOnlyRootFilesystem || s.Capabilities == nil || !slices.Contains(s.Capabilities.Drop, "ALL") {
		t.Errorf("%s: more rights than it needs", c.Name)
	}
	for _, probe := range []*core.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if probe == nil {
			continue
		}
		port := probe.HTTPGet.Port.StrVal
		if !slices.ContainsFunc(c.Ports, func(p core.ContainerPort) bool { return p.Name == port }) {
			t.Errorf("%s: a probe asks port %q, which is not there", c.Name, port)
		}
	}
}

func TestCompose(t *testing.T) {
	options, err := cli.NewProjectOptions([]string{filepath.Join(deploy, "compose.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(context.Background()) // checks the schema, and what refers to others
	if err != nil {
		t.Fatal(err)
	}
	if len(project.Services) != 4 {
		t.Errorf("services %v", project.ServiceNames())
	}
	for name, service := range project.Services {
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %d is open to the network", name, port.Target)
			}
		}
		if service.Image == "" || !strings.Contains(service.Image, ":") || strings.HasSuffix(service.Image, ":latest") {
			t.Errorf("%s: %q is not pinned", name, service.Image)
		}
	}
}
