// Texts of a document whose contrast with what is behind them is below AA.
(() => {
    const light = (color) => {
        const [r, g, b] = color.match(/[\d.]+/g).map((each) => each / 255)
            .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const color = getComputedStyle(each).backgroundColor;
            if (!/, 0\)$/.test(color)) return color;
        }
        return "rgb(0, 0, 0)";
    };
    const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return [...document.querySelectorAll("main *")]
        .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
        .filter((each) => !each.disabled && each.checkVisibility({ opacityProperty: true }))
        .map((each) => [ratio(light(getComputedStyle(each).color), light(ground(each))), each.outerHTML])
        .filter(([value]) => value < 4.5).map(([value, html]) => `${value.toFixed(2)} ${html.slice(0, 80)}`);
})();
