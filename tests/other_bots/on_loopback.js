// Has a bot listen on loopback alone, and call the Graph API where GRAPH_API says: some have its host fixed.
const net = require('net');
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...more) {
  return typeof port === 'object' || isNaN(port) ? listen.call(this, port, ...more)
    : listen.call(this, Number(port), '127.0.0.1', ...more);
};

const Module = require('module');
const load = Module._load;
Module._load = function (name, ...more) {
  const loaded = load.call(this, name, ...more);
  if (name !== 'request' || loaded.called === undefined && !loaded.defaults) return loaded;
  const moved = (options, done) =>
    loaded({ ...options, uri: options.uri.replace('https://graph.facebook.com', process.env.GRAPH_API) }, done);
  return Object.assign(moved, loaded);
};
