package chromium

import (
	"context"
	"fmt"
	"os"

	"github.com/chromedp/chromedp"
)

// audit runs axe-core over the page and returns a line for each serious or
// critical violation of WCAG 2.2 at level AA, and of what is good practice:
// the rule, what it asks for, and where
// (https://github.com/dequelabs/axe-core/blob/develop/doc/API.md).
const audit = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"]}).then(found =>
	found.violations.filter(v => v.impact === "serious" || v.impact === "critical").map(v =>
		v.id + ": " + v.help + ": " + v.nodes.map(n => n.target.join(" ") + " (" + n.any.concat(n.all, n.none).map(a => a.message).join("; ") + ")").join(", ")))`

// Barriers returns what keeps people who see little, or use no mouse, from
// using the page that the browser shows, one barrier a line. axe names
// axe-core's axe.min.js.
func Barriers(ctx context.Context, axe string) ([]string, error) {
	script, err := os.ReadFile(axe)
	if err != nil {
		return nil, err
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[any](string(script)+";0")); err != nil {
		return nil, fmt.Errorf("load axe-core: %w", err)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](audit, chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, fmt.Errorf("run axe-core: %w", err)
	}
	return found, nil
}
