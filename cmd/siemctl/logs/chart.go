package logs

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// The places of a chart, in pixels.
const (
	chartWidth, chartHeight = 960, 360
	plotLeft, plotRight     = 64, 24
	plotTop, plotBottom     = 64, 48
	plotWidth               = chartWidth - plotLeft - plotRight
	plotHeight              = chartHeight - plotTop - plotBottom
	labelWidth              = 72 // what a label of the time takes
)

// The colours of the levels, told apart by those who can't tell red from green.
var levelColours = [levels]string{Grave: "#c0392b", Warning: "#f0a30a", Routine: "#7f9db9"}

// Chart draws the timeline as SVG: a bar for each hour or day, of the levels one
// on the other, the gravest below.
func (s *Stats) Chart(w io.Writer) error {
	c := chart{stats: s}
	for i := range s.Timeline {
		c.most = max(c.most, s.Timeline[i].Total())
	}
	c.step = niceStep(c.most)
	c.top = max(c.step, (c.most+c.step-1)/c.step*c.step)
	c.head()
	c.grid()
	c.bars()
	c.times()
	c.legend()
	c.WriteString("</svg>\n")
	_, err := io.WriteString(w, c.String())
	return err
}

type chart struct {
	strings.Builder
	stats     *Stats
	most      int // events of a bucket
	top, step int // of the scale, in events
}

// niceStep returns the distance of lines, 1, 2 or 5 times a power of ten, such
// that there are at most five of them.
func niceStep(most int) int {
	for step := 1; ; step *= 10 {
		for _, m := range []int{1, 2, 5} {
			if step*m*5 >= most {
				return step * m
			}
		}
	}
}

func (c *chart) y(n int) float64 {
	return plotTop + plotHeight - float64(n)/float64(c.top)*plotHeight
}

// slot is the width that a bucket has.
func (c *chart) slot() float64 { return plotWidth / float64(max(1, len(c.stats.Timeline))) }

func (c *chart) x(i int) float64 { return plotLeft + float64(i)*c.slot() }

func (c *chart) head() {
	s := c.stats
	title := fmt.Sprintf("%s events, by %s", group(s.Events), s.step())
	span := s.Range.Start.Format("2006-01-02 15:04") + " to " + s.Range.End.Format("2006-01-02 15:04") + " UTC"
	fmt.Fprintf(c, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" font-family="system-ui, sans-serif" font-size="12" fill="#57606a">
<title>%s, %s</title>
<rect width="100%%" height="100%%" fill="#ffffff"/>
<text x="%d" y="28" font-size="16" font-weight="600" fill="#1f2328">%[3]s</text>
<text x="%[5]d" y="48">%[4]s</text>
`, chartWidth, chartHeight, title, span, plotLeft)
}

func (c *chart) grid() {
	for n := 0; n <= c.top; n += c.step {
		y := c.y(n)
		fmt.Fprintf(c, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#d8dee4"/><text x="%d" y="%.1f" text-anchor="end">%s</text>
`, plotLeft, chartWidth-plotRight, y, y, plotLeft-8, y+4, group(n))
	}
}

func (c *chart) bars() {
	gap := min(2, c.slot()/5)
	for i := range c.stats.Timeline {
		b := &c.stats.Timeline[i]
		if b.Total() == 0 {
			continue
		}
		fmt.Fprintf(c, "<g><title>%s: %s events, %s alerts, %s warnings</title>", b.Start.Format("2006-01-02 15:04"),
			group(b.Total()), group(b.Levels[Grave]), group(b.Levels[Warning]))
		below := 0
		for level, n := range b.Levels {
			if n == 0 {
				continue
			}
			fmt.Fprintf(c, `<rect x="%.2f" y="%.2f" width="%.2f" height="%.2f" fill="%s"/>`,
				c.x(i)+gap/2, c.y(below+n), c.slot()-gap, c.y(below)-c.y(below+n), levelColours[level])
			below += n
		}
		c.WriteString("</g>\n")
	}
}

// times labels the axis at round hours or days, as many as there is room for.
func (c *chart) times() {
	line := c.stats.Timeline
	every, layout := niceHours(len(line)), "15:04"
	if c.stats.Step >= 24*time.Hour {
		every, layout = niceDays(len(line)), "2 Jan"
	}
	for i := range line {
		number := int(floor(line[i].Start.UnixMilli(), c.stats.Step.Milliseconds()))
		if number%every != 0 {
			continue
		}
		x := c.x(i)
		if layout != "15:04" {
			x += c.slot() / 2 // a day's label stands below its bar, an hour's below its start
		}
		text := line[i].Start.Format(layout)
		if layout == "15:04" && line[i].Start.Hour() == 0 {
			text = line[i].Start.Format("2 Jan")
		}
		fmt.Fprintf(c, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#8c959f"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>
`, x, x, chartHeight-plotBottom, chartHeight-plotBottom+5, x, chartHeight-plotBottom+20, text)
	}
}

// niceHours returns how many hours lie between labels if there are so many.
func niceHours(hours int) int {
	for _, every := range []int{1, 2, 3, 6, 12, 24, 48, 7 * 24} {
		if hours/every*labelWidth <= plotWidth {
			return every
		}
	}
	return 30 * 24
}

func niceDays(days int) int {
	for _, every := range []int{1, 2, 7, 14, 28, 56, 112, 364} {
		if days/every*labelWidth <= plotWidth {
			return every
		}
	}
	return 10 * 364
}

func (c *chart) legend() {
	x := chartWidth - plotRight - 3*96
	for level, colour := range levelColours {
		fmt.Fprintf(c, `<rect x="%d" y="18" width="12" height="12" rx="2" fill="%s"/><text x="%d" y="28">%s</text>
`, x+level*96, colour, x+level*96+18, Level(level))
	}
}

// group writes a number with a space between thousands.
func group(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u2009" + text[i:]
	}
	return text
}
