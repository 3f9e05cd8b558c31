// Whether no element or attribute of the document can have come from a text.
(() => {
  const made = "img, iframe, a, form, link, base, object, embed, b, animate, style, script";
  const attribute = /^(on|src|href|action|form)/;
  const own = document.querySelector("body > script");
  return [...document.body.querySelectorAll("*")].every(
    (each) =>
      each === own ||
      (!each.matches(made) && [...each.attributes].every(({ name }) => !attribute.test(name))),
  );
})();
