// aedes on the port of 127.0.0.1 named on the command line.

import { createServer } from 'node:net'
import { Aedes } from 'aedes'

const forbidden = 'forbidden/'

const broker = await Aedes.createBroker({
  authenticate (client, username, password, done) {
    const right = username === 'tester' && String(password) === 'secret'
    done(null, username === undefined || username === null || right)
  },
  authorizePublish (client, packet, done) {
    done(packet.topic.startsWith(forbidden) ? new Error('forbidden') : null)
  },
  authorizeSubscribe (client, subscription, done) {
    done(null, subscription.topic.startsWith(forbidden) ? null : subscription)
  }
})
createServer(broker.handle).listen(Number(process.argv[2]), '127.0.0.1')
