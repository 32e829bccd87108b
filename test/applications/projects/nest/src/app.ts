import { Controller, Get, Inject, Module } from '@nestjs/common';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { Hit } from './hit.js';

@Controller()
class AppController {
  @Inject(getRepositoryToken(Hit)) private readonly hits!: Repository<Hit>;

  @Get()
  async get(): Promise<string> {
    const { id } = await this.hits.save({ pid: process.pid });
    return `pid ${process.pid}, hit ${id}`;
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: process.env['POSTGRESQL'] as string,
      entities: [Hit],
      synchronize: process.env['SYNCHRONIZE'] !== 'no',
    }),
    TypeOrmModule.forFeature([Hit]),
  ],
  controllers: [AppController],
})
export class AppModule {}
