// A bot of messenger-node: greets when it gets control, answers while it has it, and passes it back on "done".
const Messenger = require('messenger-node');

const env = process.env;
const client = new Messenger.Client({ page_token: env.PAGE_TOKEN });
const webhook = new Messenger.Webhook({ verify_token: env.VERIFY_TOKEN, port: env.PORT, endpoint: '/webhook' });
const failed = (error) => console.error('FAILED', error && error.message ? error.message : error);

webhook.on('messaging_handovers', (type, sender, event) => {
  if (type.subtype !== 'pass_thread_control') return;
  client.sendText({ id: sender.value }, 'messenger-node has the thread: ' + event.pass_thread_control.metadata)
    .catch(failed);
});

webhook.on('messages', (type, sender, event) => {
  if (event.message.text === 'done') {
    client.passThreadControl(sender.value, env.BACK_TO, 'from messenger-node').catch(failed);
  } else {
    client.sendText({ id: sender.value }, 'messenger-node heard: ' + event.message.text).catch(failed);
  }
});

webhook.on('standby', (type, sender, event) => {
  if (event.message && !event.message.is_echo) console.log('STANDBY ' + event.message.text);
});

client.sendGraphRequest({
  path: '/me/subscribed_apps',
  qs: { subscribed_fields: 'messages,messaging_handovers,standby' },
  method: 'POST',
}).then(() => console.log('SUBSCRIBED')).catch(failed);
