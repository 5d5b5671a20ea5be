// A bot of Bottender: greets when it gets control, answers while it has it, and passes it back on "done".
module.exports = async function App(context) {
  const { event } = context;
  if (event.isEcho) return;
  if (event.isStandby) {
    if (event.isText) console.log('STANDBY ' + event.text);
  } else if (event.isPassThreadControl) {
    await context.sendText('bottender has the thread: ' + event.passThreadControl.metadata);
  } else if (event.isText && event.text === 'done') {
    await context.passThreadControl(process.env.BACK_TO, 'from bottender');
  } else if (event.isText) {
    // Bottender cannot read the answer for a thread that nobody has.
    const owner = (await context.isThreadOwner().catch(() => false)) ? 'mine' : 'not mine';
    await context.sendText('bottender heard: ' + event.text + ' (' + owner + ')');
  }
};
