// imapflow does what a web mailer does: lists, reads structures and parts, searches, flags, moves, waits for news.
const fs = require('fs');
const assert = require('assert');
const {ImapFlow} = require('imapflow');
const [port, secure, ca, user, pass] = process.argv.slice(2);

const connect = () => new ImapFlow({host: '127.0.0.1', port, secure: secure === 'tls', doSTARTTLS: secure !== 'tls' || undefined,
                                    tls: {ca: fs.readFileSync(ca)}, auth: {user, pass}, logger: false});

async function main() {
  const client = connect();
  await client.connect();
  console.log('capabilities:', [...client.capabilities.keys()].join(' '));
  console.log('mailboxes:', (await client.list()).map((m) => m.path).join(' '));
  const lock = await client.getMailboxLock('INBOX');
  try {
    const all = await client.fetchAll('1:*', {uid: true, envelope: true, bodyStructure: true, flags: true, size: true});
    assert(all.length >= 3, `${all.length} messages`);
    for (const message of all) console.log('message:', message.uid, message.envelope.subject, message.bodyStructure.type);
    assert(all[0].envelope.subject.endsWith('– Grüße'));
    assert.strictEqual(all[0].envelope.from[0].name, 'Änne Beispiel');
    const found = await client.search({subject: 'Grüße', since: new Date(Date.now() - 86400000)}, {uid: true});
    assert.deepStrictEqual(found, all.map((m) => m.uid));
    const {meta, content} = await client.download(all[0].uid, '1.1', {uid: true});
    let text = '';
    for await (const chunk of content) text += chunk;
    assert(text.includes('ünïcode'), text);
    console.log('part:', meta.contentType, JSON.stringify(text.trim()));
    assert(await client.messageFlagsAdd(all[0].uid, ['\\Seen', '$Forwarded'], {uid: true}));
    await client.mailboxCreate('Done');
    const moved = await client.messageMove(all[0].uid, 'Done', {uid: true});
    console.log('moved:', [...moved.uidMap].join(' '));
    assert.strictEqual((await client.status('Done', {messages: true})).messages, 1);
  } finally {
    lock.release();
  }
  // Another session appends; this one is told.
  await client.mailboxOpen('Done');
  const told = new Promise((resolve, reject) => {
    client.on('exists', (event) => resolve(event.count));
    setTimeout(() => reject(new Error('not told of a new message')), 10000);
  });
  const idling = client.idle();
  const other = connect();
  await other.connect();
  await other.append('Done', 'Subject: from another session\r\n\r\ntext\r\n', ['\\Seen']);
  console.log('told of message', await told);
  assert(await client.messageDelete('1:*'));
  await idling;
  assert.strictEqual((await other.status('Done', {messages: true})).messages, 0);
  await other.logout();
  await client.logout();
}
main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
