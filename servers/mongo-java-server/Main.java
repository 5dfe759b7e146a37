import de.bwaldvogel.mongo.MongoBackend;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.AbstractMongoBackend;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * java Main host port [folder]: with a folder it keeps its data there, in H2's store, which survives a SIGTERM and loses
 * at most the last second by SIGKILL; without one it keeps them in memory.
 */
public class Main {
  /** The server says 3.6 by itself, which present drivers refuse. */
  static final MongoVersion VERSION = new MongoVersion() {
    public List<Integer> getVersionArray() {
      return List.of(5, 0, 0);
    }

    public int getWireVersion() {
      return 13;
    }
  };

  public static void main(String[] args) throws Exception {
    AbstractMongoBackend backend;
    if (args.length > 2) {
      Files.createDirectories(Path.of(args[2]));
      backend = new H2Backend(Path.of(args[2], "data.mv").toString());
    } else {
      backend = new MemoryBackend();
    }
    MongoBackend versioned = backend.version(VERSION);
    MongoServer server = new MongoServer(versioned);
    server.bind(args[0], Integer.parseInt(args[1]));
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown));
  }
}
