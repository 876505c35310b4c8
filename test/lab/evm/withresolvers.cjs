// One library below Lodestar calls Promise.withResolvers, which came with Node 22.
Promise.withResolvers ??= function () {
  const out = {};
  out.promise = new this((resolve, reject) => Object.assign(out, { resolve, reject }));
  return out;
};
