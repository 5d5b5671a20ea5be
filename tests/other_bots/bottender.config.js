// The settings of the bot in index.js.
const env = process.env;

module.exports = {
  session: { driver: 'memory', stores: { memory: { maxSize: 500 } } },
  channels: {
    messenger: {
      enabled: true,
      path: '/webhook',
      pageId: env.PAGE_ID,
      accessToken: env.PAGE_TOKEN,
      appId: env.APP_ID,
      appSecret: env.APP_SECRET,
      verifyToken: env.VERIFY_TOKEN,
      origin: env.GRAPH_API,
    },
  },
};
