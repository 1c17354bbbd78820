// Make ES modules of texts, a name → text each, those that a module imports before it: name → address.
function linkModules(texts) {
  const addresses = {};
  for (const [name, text] of Object.entries(texts)) {
    const linked = text.replace(/ from '\.\/(\w+)\.js';/g, (_, imported) => ` from '${addresses[imported]}';`);
    const source = new Blob([linked, `\n//# sourceURL=chairlift/${name}.js`], { type: 'text/javascript' });
    addresses[name] = URL.createObjectURL(source);
  }
  return addresses;
}
