// nodemailer sends what its users send: text, HTML, an attachment, an inline picture, an address beyond ASCII in a name.
const fs = require('fs');
const nodemailer = require('nodemailer');
const [port, secure, ca, user, pass, to] = process.argv.slice(2);

async function main() {
  const options = {host: '127.0.0.1', port, secure: secure === 'tls', requireTLS: true, tls: {ca: fs.readFileSync(ca)}, auth: {user, pass}};
  const transport = nodemailer.createTransport({...options, pool: true});
  console.log('verify:', await transport.verify());
  for (const number of [1, 2, 3]) {
    const sent = await transport.sendMail({
      from: {name: 'Änne Beispiel', address: user},
      to,
      bcc: to,
      subject: `nodemailer ${secure} ${number} – Grüße`,
      text: 'plain text, ünïcode',
      html: '<p>Hello <img src="cid:picture@a.test"></p>',
      attachments: [
        {filename: 'zahlen-ä.csv', content: '1;2;3\n'.repeat(1000)},
        {filename: 'picture.png', content: Buffer.from('iVBORw0KGgo=', 'base64'), cid: 'picture@a.test'},
      ],
    });
    console.log('sent:', sent.response);
  }
  await transport.sendMail({from: user, to: 'nobody@a.test', subject: 'x', text: 'x'}).then(
      () => { throw new Error('an unknown recipient was taken'); }, (error) => console.log('refused:', error.code, error.responseCode));
  transport.close();
  const wrong = nodemailer.createTransport({...options, auth: {user, pass: 'wrong'}});
  await wrong.verify().then(() => { throw new Error('a wrong password was taken'); },
                            (error) => console.log('wrong password:', error.code, error.responseCode));
}
main().catch((error) => { console.error(error); process.exit(1); });
