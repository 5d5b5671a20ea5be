// Subscribes the app of the Bottender bot to its page, by the client that Bottender brings.
const { getClient } = require('bottender');

getClient('messenger').axios
  .post('/me/subscribed_apps', { subscribed_fields: ['messages', 'messaging_handovers', 'standby'] },
    { params: { access_token: process.env.PAGE_TOKEN } })
  .then(() => { console.log('SUBSCRIBED'); process.exit(0); })
  .catch((error) => { console.error('FAILED', error.message); process.exit(1); });
